import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Counter } from "../format";
import { PALETTES, type Palette } from "../palette";
import { align } from "../series";
import { type Story, go, nearestPlace } from "../story";
import { count, duration } from "../numbers";
import { useWidth } from "./width";

interface Line { counter: Counter; r: number }
interface Group { name: string; unit: string; lines: Line[] }

export function Counters({ story }: { story: Story }) {
  const groups = useMemo(() => groupsOf(story), [story]);
  return (
    <section id="counters" aria-labelledby="counters-title">
      <h2 id="counters-title">Counters over time</h2>
      {groups.length
        ? <p class="lead">The line is the stepper's instant. A click goes to this page's nearest step. Long dashes are limits{story.runs.length > 1 && "; B's lines are dotted"}.</p>
        : <p class="lead">This file has no counters.</p>}
      <div class="plots">{groups.map(group => <Plot key={group.name} story={story} group={group} />)}</div>
    </section>
  );
}

function groupsOf(story: Story): Group[] {
  const groups = new Map<string, Group>();
  story.runs.forEach((run, r) => run.meta.counters.forEach(counter => {
    let group = groups.get(counter.group);
    if (!group) groups.set(counter.group, group = { name: counter.group, unit: counter.unit, lines: [] });
    group.lines.push({ counter, r });
  }));
  return [...groups.values()];
}

const HEIGHT = 190;

function Plot({ story, group }: { story: Story; group: Group }) {
  const [box, width] = useWidth();
  const place = useRef<HTMLDivElement>(null);
  const theme = story.theme.value;
  const data = useMemo(() => {
    const { t, v } = align(group.lines.map(({ counter }) => counter), story.end);
    return [t, ...v] as uPlot.AlignedData;
  }, [group, story]);
  useEffect(() => {
    if (!width || !place.current) return;
    const plot = new uPlot(options(story, group, width, PALETTES[theme]), data, place.current);
    const line = document.createElement("div");
    line.className = "instant";
    plot.over.append(line);
    const put = () => {
      line.style.transform = `translateX(${plot.valToPos(story.now.value, "x")}px)`;
      if (!plot.cursor.idx) plot.setLegend({ idx: plot.valToIdx(story.now.value) }, false);
    };
    const stop = effect(put);
    plot.hooks["setScale"] = plot.hooks["ready"] = [put];
    const click = (event: MouseEvent) => {
      if (plot.select.width < 3) go(story, nearestPlace(story, plot.posToVal(event.offsetX, "x")));
    };
    plot.over.addEventListener("click", click);
    return () => {
      stop();
      plot.destroy();
    };
  }, [story, group, width, theme, data]);
  return (
    <figure class="plot">
      <figcaption>{group.name} {group.unit !== group.name && <small>{group.unit}</small>}</figcaption>
      <div ref={box}><div ref={place} role="img" aria-label={`${group.name} over time: ${group.lines.map(({ counter }) => counter.words || counter.name).join(", ")}`} /></div>
    </figure>
  );
}

const HUES = ["pg", "tlb", "bh", "tags", "pte", "inode", "disk", "key"] as const;

function options(story: Story, group: Group, width: number, palette: Palette): uPlot.Options {
  const names = [...new Set(group.lines.map(({ counter }) => counter.name))];
  const stepped = uPlot.paths.stepped!({ align: 1 });
  const axis: uPlot.Axis = {
    stroke: palette.quiet, font: "11px system-ui, sans-serif",
    grid: { stroke: palette.line, width: 1 }, ticks: { stroke: palette.faint, width: 1, size: 4 },
  };
  return {
    width, height: HEIGHT,
    cursor: { sync: { key: "mkclean" }, points: { size: 6 }, drag: { x: true, y: false } },
    legend: { live: true },
    scales: { x: { time: false, range: (_, min, max) => [Math.max(0, min), max] }, y: { range: (_, min, max) => uPlot.rangeNum(Math.min(0, min), Math.max(1, max), 0.08, true) } },
    axes: [
      { ...axis, space: 90, size: 28, values: (_, splits) => splits.map(split => duration(split)) },
      { ...axis, size: (plot, values) => labelRoom(plot, values), values: (_, splits) => splits.map(split => count(split)) },
    ],
    series: [
      { label: "time", value: (_, value) => value === null ? "" : duration(value, 6) },
      ...group.lines.map(({ counter, r }): uPlot.Series => ({
        label: story.runs.length > 1 ? `${counter.name} ${"AB"[r]}` : counter.name,
        stroke: palette[HUES[names.indexOf(counter.name) % HUES.length]!],
        width: 1.75,
        ...(r ? { dash: [2, 2], width: 1.5 } : {}),
        ...(counter.limit ? { dash: [8, 5], width: 1.25 } : {}),
        paths: stepped,
        points: { show: false },
        value: (_, value) => value === null ? "" : count(value),
      })),
    ],
  };
}

// uPlot's axes have one width for all labels; ours have what theirs need.
function labelRoom(plot: uPlot, values: string[] | null): number {
  if (!values) return 40;
  plot.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  return Math.ceil(Math.max(...values.map(value => plot.ctx.measureText(value ?? "").width), 0) / devicePixelRatio) + 16;
}
