import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { drawLanes, scaleOf } from "../draw/lanes_canvas";
import { layoutOf } from "../draw/layout";
import { type Life, lastAtOrBefore } from "../history";
import { acts } from "../merge";
import { PALETTES } from "../palette";
import { type Axis, type Story, go, look, placeAtPosition, positionOf, setAxis, wholeView, zoom, zoomToStep } from "../story";
import { count, plural } from "../numbers";
import { actorName, cyclesOf, effectWords, pageName, siteName } from "../words";
import { letterOf } from "./banner";
import { gestures } from "./gestures";
import { Overview } from "./overview_strip";
import { useWidth } from "./width";

export function LanesPanel({ story }: { story: Story }) {
  const { lives } = story.picked.value;
  const entry = lives.find(life => life)?.entry;
  return (
    <section class="lanes" aria-label="Lanes">
      <div class="bar">
        <h2>{entry ? pageName(entry) : "No page"}<PageFacts lives={lives} /></h2>
        <AxisChoice story={story} />
        <div class="group" role="group" aria-label="Zoom">
          <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoom(story, 2)}>−</button>
          <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoom(story, 0.5)}>+</button>
          <button type="button" title="Zoom to the steps around this one (z)" onClick={() => zoomToStep(story)}>here</button>
          <button type="button" title="The whole life (0)" onClick={() => { const all = wholeView(story); look(story, all.from, all.to); }}>all</button>
        </div>
      </div>
      <Overview story={story} />
      {story.runs.map((run, r) => {
        const life = lives[r];
        return (
          <div key={r} class="run">
            {story.runs.length > 1 && <h3><span class="runLetter">{letterOf(r)}</span>{run.meta.title} <small>{run.meta.subtitle}</small></h3>}
            {life ? <LaneCanvas story={story} life={life} r={r} /> : <p class="absent">This page is not in this run's part of the file.</p>}
          </div>
        );
      })}
      <LookKey />
    </section>
  );
}

const LOOKS = [
  ["solid", "dirty"], ["hatch", "writable, clean"], ["outline", "present"], ["stripes", "under writeback"], ["lock", "locked"],
  ["alarm", "the disk is behind, and nothing says so"],
];

function LookKey() {
  return (
    <ul class="lookKey" aria-label="How lanes are drawn">
      {LOOKS.map(([look, words]) => <li key={look}><i class={`look-${look}`} />{words}</li>)}
    </ul>
  );
}

function PageFacts({ lives }: { lives: (Life | null)[] }) {
  const ptes = lives.find(life => life)?.entry.ptes ?? [];
  if (!ptes.length) return null;
  const [first] = ptes;
  return <small> {ptes.length === 1 ? `mapped by ${first!.process} at ${first!.va}` : `${ptes.length} mappings`}</small>;
}

function AxisChoice({ story }: { story: Story }) {
  const choice = (axis: Axis, label: string) => (
    <button type="button" aria-pressed={story.axis.value === axis} data-axis={axis} onClick={() => setAxis(story, axis)}>{label}</button>
  );
  return <div class="group" role="group" aria-label="Axis">{choice("step", "by step")}{choice("time", "by time")}</div>;
}

function LaneCanvas({ story, life, r }: { story: Story; life: Life; r: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [box, width] = useWidth();
  const tip = useSignal<{ step: number; x: number; y: number } | null>(null);
  const layout = layoutOf(life, Math.max(200, width), story.runs.length > 1);

  useEffect(() => {
    const element = canvas.current;
    if (!element || !width) return;
    const ctx = element.getContext("2d")!;
    let frame = 0;
    const draw = () => {
      const dpr = devicePixelRatio || 1;
      const pixels = [Math.round(layout.width * dpr), Math.round(layout.height * dpr)] as const;
      if (element.width !== pixels[0] || element.height !== pixels[1]) [element.width, element.height] = pixels;
      const began = performance.now();
      const { merged } = story.picked.peek();
      const place = story.cursor.peek();
      drawLanes(ctx, {
        life, layout, dpr, palette: PALETTES[story.theme.peek()],
        axis: story.axis.peek(), view: story.view.peek(), edges: story.edges.peek()[r]!,
        step: merged.stepOf[r]![place] ?? -1, position: positionOf(story, place), acts: acts(merged, r, place),
        hover: story.hover.peek(),
      });
      element.dataset["drawMs"] = (performance.now() - began).toFixed(1);
    };
    const stop = effect(() => {
      if (story.picked.value.lives[r] !== life) return;
      story.cursor.value; story.view.value; story.edges.value; story.theme.value; story.hover.value;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(draw);
    });
    const release = gestures(element, {
      at: x => scaleOf({ layout, view: story.view.value }).position(x),
      zoom: (factor, around) => zoom(story, factor, around),
      pan: by => look(story, story.view.value.from + by, story.view.value.to + by),
      perPixel: () => (story.view.value.to - story.view.value.from) / (layout.width - layout.gutter - 8),
      whole: () => { const all = wholeView(story), now = story.view.value; return now.from <= all.from && now.to >= all.to; },
      click: position => go(story, story.runs.length > 1 ? nearestOf(story, r, position) : placeAtPosition(story, position)),
      hover: (position, x, y) => {
        story.hover.value = position;
        tip.value = position === null ? null : { step: stepUnder(story, r, position), x, y };
      },
    });
    return () => {
      stop();
      release();
      cancelAnimationFrame(frame);
    };
  }, [story, life, r, width]);

  const place = story.cursor.value;
  const step = story.picked.value.merged.stepOf[r]![place] ?? -1;
  return (
    <div ref={box} class="canvasBox">
      <canvas ref={canvas} role="img" data-lanes={r} aria-label={describe(life, step)} style={{ height: `${layout.height}px` }} />
      {tip.value && tip.value.step >= 0 && <Tip life={life} {...tip.value} width={width} />}
    </div>
  );
}

function describe(life: Life, step: number): string {
  return `The places of ${pageName(life.entry)} over ${plural(life.count, "step")}, a lane each. ` +
    (step < 0 ? "Before the first step." : `At step ${count(step + 1)}: ${siteName(life.run, life.events[step]!)}.`) +
    " The stepper and the table below say the same.";
}

function stepUnder(story: Story, r: number, position: number): number {
  const edges = story.edges.value[r]!;
  if (story.axis.value === "step") return lastAtOrBefore(edges.subarray(0, edges.length - 1), position);
  const { merged } = story.picked.value;
  return merged.stepOf[r]![placeAtPosition(story, position)] ?? -1;
}

function nearestOf(story: Story, r: number, position: number): number {
  const step = stepUnder(story, r, position);
  return step < 0 ? placeAtPosition(story, position) : story.picked.value.merged.place[r]![step]!;
}

function Tip({ life, step, x, y, width }: { life: Life; step: number; x: number; y: number; width: number }) {
  const event = life.events[step]!;
  const style = x > width / 2 ? { right: `${width - x + 14}px`, top: `${y + 14}px` } : { left: `${x + 14}px`, top: `${y + 14}px` };
  return (
    <div class="tip" style={style} aria-hidden="true">
      <b>{count(step + 1)} {siteName(life.run, event)}</b>
      <div>{actorName(life.run, event)}, cycle {count(cyclesOf(life.run.meta, life.time[step]!))}</div>
      <div class="mono">{effectWords(life, step)}</div>
    </div>
  );
}
