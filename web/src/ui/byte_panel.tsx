import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type ByteMap, type ByteState, DIRTY_BYTE, DOOMED, LOST, SAME, TORN, byteMap, stateWords } from "../bytes";
import { weave } from "../draw/fills";
import { type Life, valueAt } from "../history";
import { CACHED, DISK } from "../lanes";
import { PALETTES, type Palette } from "../palette";
import type { Story } from "../story";
import { count, plural } from "../numbers";
import { letterOf } from "./banner";

const ACROSS = 64, CELL = 4, LABELS = 32;

export function BytePanel({ story }: { story: Story }) {
  const { lives, bytes, merged } = story.picked.value;
  const place = story.cursor.value;
  return (
    <section class="bytes" aria-label="The page's bytes">
      {lives.map((life, r) => life && (
        <OneMap key={r} story={story} life={life} r={r} step={merged.stepOf[r]![place] ?? -1}
          map={byteMap(life, bytes[r]!, merged.stepOf[r]![place] ?? -1)} />
      ))}
    </section>
  );
}

function OneMap({ story, life, r, step, map }: { story: Story; life: Life; r: number; step: number; map: ByteMap }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const pointed = useSignal(-1);
  const theme = story.theme.value;
  const { page_size: size, block_size: block } = life.run.meta;
  const rows = Math.ceil(size / ACROSS);
  const most = story.runs.length > 1 ? CELL / 2 : CELL;
  const cell = Math.max(1, Math.min(most, Math.floor((64 * most) / rows)));
  useEffect(() => {
    if (canvas.current) drawBytes(canvas.current, map, PALETTES[theme], size, block, cell);
  });
  const behind = valueAt(life.lanes.get(DISK), step);
  const told = describe(map);
  const unstored = behind - map.state.reduce((sum, state) => sum + Number(state !== SAME), 0);
  return (
    <figure data-run={r}>
      <canvas ref={canvas} role="img" aria-label={`The ${count(size)} bytes of the page. ${told.join(". ") || "All are the same in memory and on the disk."}`}
        style={{ width: `${LABELS + ACROSS * cell}px`, height: `${rows * cell}px` }}
        onPointerMove={event => { pointed.value = byteUnder(event, cell, size); }}
        onPointerLeave={() => { pointed.value = -1; }} />
      <figcaption>
        {story.runs.length > 1 && <span class="runLetter">{letterOf(r)}</span>}
        <p class={map.ranges.some(range => range.state >= DOOMED) ? "behind alarm" : "behind"} data-behind={behind}>
          {heading(behind, valueAt(life.lanes.get(CACHED), step) > 0, map.ranges.some(range => range.state === LOST))}
        </p>
        <ul class="legend">
          {pointed.value >= 0
            ? <li><Swatch state={map.state[pointed.value] as ByteState} />byte {pointed.value}: {stateWords(map.state[pointed.value] as ByteState)}</li>
            : told.length ? legend(map) : <li><Swatch state={SAME} />all bytes are {stateWords(SAME)}</li>}
          {unstored > 0 && <li><i class="swatch same" />{count(unstored)} more {unstored === 1 ? "byte differs" : "bytes differ"} that nobody stored: the disk's block holds something older</li>}
          {map.reading.map(({ from, to }) => <li key={from}><i class="swatch reading" />bytes {from}..{to}: the disk is reading them</li>)}
        </ul>
      </figcaption>
    </figure>
  );
}

function heading(behind: number, cached: boolean, lost: boolean): string {
  if (behind) return `The disk is ${plural(behind, "byte")} behind`;
  if (!cached) return lost ? "The page has left memory, and what was lost with it" : "The page is not in memory";
  return lost ? "Memory has what the disk has: the lost bytes are gone" : "The disk has what memory has";
}

const SWATCHES = { [SAME]: "same", [DIRTY_BYTE]: "dirty", [TORN]: "torn", [DOOMED]: "doomed", [LOST]: "lost" };
const Swatch = ({ state }: { state: ByteState }) => <i class={`swatch ${SWATCHES[state]}`} />;

const MOST_RANGES = 4;

function rangesIn(map: ByteMap, state: ByteState): string {
  const ranges = map.ranges.filter(range => range.state === state);
  const all = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const named = ranges.slice(0, MOST_RANGES).map(({ from, to }) => from === to ? `${from}` : `${from}..${to}`).join(", ");
  const more = ranges.length > MOST_RANGES ? ` and ${plural(ranges.length - MOST_RANGES, "more range")}` : "";
  return `${all === 1 ? "byte" : "bytes"} ${named}${more} (${count(all)})`;
}

const statesIn = (map: ByteMap): ByteState[] =>
  ([LOST, DOOMED, TORN, DIRTY_BYTE] as const).filter(state => map.ranges.some(range => range.state === state));

const describe = (map: ByteMap): string[] => statesIn(map).map(state => `${rangesIn(map, state)}: ${stateWords(state)}`);

function legend(map: ByteMap) {
  return statesIn(map).map(state => (
    <li key={state} data-bytes={SWATCHES[state]}><Swatch state={state} />{rangesIn(map, state)}: {stateWords(state)}</li>
  ));
}

function byteUnder(event: PointerEvent, cell: number, size: number): number {
  const column = Math.floor((event.offsetX - LABELS) / cell), row = Math.floor(event.offsetY / cell);
  const byte = row * ACROSS + column;
  return column >= 0 && column < ACROSS && byte >= 0 && byte < size ? byte : -1;
}

function drawBytes(canvas: HTMLCanvasElement, map: ByteMap, palette: Palette, size: number, block: number, cell: number): void {
  const dpr = devicePixelRatio || 1, rows = Math.ceil(size / ACROSS);
  const width = LABELS + ACROSS * cell, height = rows * cell;
  canvas.width = width * dpr;
  canvas.height = height * dpr;
  const ctx = canvas.getContext("2d")!;
  ctx.scale(dpr, dpr);
  ctx.fillStyle = palette.line;
  ctx.fillRect(LABELS, 0, ACROSS * cell, height);
  for (const { from, to, state } of map.ranges) {
    if (state === DOOMED || state === TORN) {
      paintRange(ctx, from, to, cell, state === TORN ? palette.paper : palette.alarmPaper);
      paintRange(ctx, from, to, cell, weave(ctx, state === DOOMED ? "alarm" : "stripes", state === DOOMED ? palette.alarm : palette.tags, dpr));
    } else {
      paintRange(ctx, from, to, cell, state === LOST ? palette.alarm : palette.pg);
    }
  }
  for (const { from, to } of map.reading) paintRange(ctx, from, to, cell, weave(ctx, "hatch", palette.ink, dpr));
  ctx.fillStyle = palette.paper;
  for (let byte = block; byte < size; byte += block) ctx.fillRect(LABELS, (byte / ACROSS) * cell - 1, ACROSS * cell, 2);
  ctx.font = "10px system-ui, 'DejaVu Sans', sans-serif";
  ctx.fillStyle = palette.quiet;
  ctx.textAlign = "right";
  ctx.textBaseline = "top";
  for (let quarter = 0; quarter < 4; ++quarter) ctx.fillText(String((size / 4) * quarter), LABELS - 5, (height / 4) * quarter);
}

function paintRange(ctx: CanvasRenderingContext2D, from: number, to: number, cell: number, fill: string | CanvasPattern): void {
  ctx.fillStyle = fill;
  for (let row = Math.floor(from / ACROSS); row <= Math.floor(to / ACROSS); ++row) {
    const first = Math.max(from, row * ACROSS), last = Math.min(to, row * ACROSS + ACROSS - 1);
    ctx.fillRect(LABELS + (first % ACROSS) * cell, row * cell, (last - first + 1) * cell, cell);
  }
}
