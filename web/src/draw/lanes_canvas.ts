import { BEGIN, END } from "../decode";
import { GLYPHS } from "../glyphs";
import { type Life, type Stretch, type Timeline, changesOf, NO_LANE, lastAtOrBefore, riskOf } from "../history";
import { BUFFERS, DISK, MEDIA, MEMORY, type Look, kindOf, lettersOf, lookOf, titleOf } from "../lanes";
import { type Palette, hueOf, inkOn } from "../palette";
import type { Axis, View } from "../story";
import { count, duration, instant } from "../numbers";
import { cyclesOf } from "../words";
import { weave } from "./fills";
import type { Layout, Row } from "./layout";
import { type Scale, inView, makeScale, tickStep } from "./scale";

export interface Frame {
  life: Life;
  layout: Layout;
  palette: Palette;
  axis: Axis;
  view: View;
  edges: Float64Array;
  step: number;             // the current one, or -1
  position: number;         // of the playhead
  acts: boolean;            // is the current step this life's (or the other run's)?
  hover: number | null;
  dpr: number;
}

interface Brush extends Frame { ctx: CanvasRenderingContext2D; scale: Scale; first: number; end: number }

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif";
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const INDENT = 13;          // of a bar's letters: in front of them is room for marks and arrows' heads
const NARROW = 1.5;         // px: what is narrower is put together

export function scaleOf(frame: Pick<Frame, "layout" | "view">): Scale {
  return makeScale(frame.view, frame.layout.gutter, frame.layout.width - 8);
}

export function drawLanes(ctx: CanvasRenderingContext2D, frame: Frame): void {
  const brush: Brush = { ...frame, ctx, scale: scaleOf(frame), ...inView(frame.edges, frame.view) };
  ctx.setTransform(frame.dpr, 0, 0, frame.dpr, 0, 0);
  ctx.clearRect(0, 0, frame.layout.width, frame.layout.height);
  ctx.textBaseline = "middle";
  drawGutter(brush);
  drawAxis(brush);
  ctx.save();
  ctx.beginPath();
  ctx.rect(brush.scale.left - 1, 0, brush.scale.right - brush.scale.left + 9, frame.layout.height);
  ctx.clip();
  drawNow(brush);
  drawActors(brush);
  drawSpans(brush);
  for (const row of frame.layout.rows) drawLane(brush, row);
  drawMarks(brush);
  drawCauses(brush);
  drawFlags(brush);
  drawPlayhead(brush);
  ctx.restore();
}

function drawGutter({ ctx, layout, palette, life }: Brush): void {
  const { gutter, rowHeight, rows, width } = layout;
  for (const { lane, y } of rows) {
    const hue = hueOf(kindOf(lane), palette), middle = y + rowHeight / 2;
    ctx.save();
    ctx.translate(2, middle - 5);
    ctx.scale(10 / 12, 10 / 12);
    ctx.fillStyle = hue;
    ctx.fill(new Path2D(GLYPHS[kindOf(lane)]), "evenodd");
    ctx.restore();
    ctx.fillStyle = palette.ink;
    ctx.font = `12px ${FONT}`;
    ctx.textAlign = "left";
    fillClipped(ctx, titleOf(lane, life.entry), 18, middle, gutter - 24);
    ctx.fillStyle = palette.line;
    ctx.fillRect(0, y + rowHeight - 0.5, width, 0.5);
  }
  ctx.fillStyle = palette.quiet;
  ctx.font = `11px ${FONT}`;
  ctx.fillText("who acts", 18, layout.actorY + 9);
}

function fillClipped(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, room: number): void {
  if (room < 8) return;
  if (ctx.measureText(text).width <= room) return ctx.fillText(text, x, y);
  let shorter = text;
  while (shorter.length > 1 && ctx.measureText(`${shorter}…`).width > room) shorter = shorter.slice(0, -1);
  if (shorter.length > 1) ctx.fillText(`${shorter}…`, x, y);
}

// A stretch's extent: to where the step after it begins; on the axis of time, to its last step.
function extent({ scale, edges, axis }: Brush, stretch: Stretch): [number, number] {
  const to = axis === "step" ? edges[stretch.to + 1]! : edges[stretch.to]!;
  return [scale.x(edges[stretch.from]!), scale.x(to)];
}

// Calls draw for each stretch that can be seen; of those that are narrow, for one a pixel.
function eachStretch(brush: Brush, stretches: Stretch[], draw: (stretch: Stretch, x0: number, x1: number) => void): void {
  let drawnTo = -Infinity;
  for (let i = firstFrom(stretches, brush.first); i < stretches.length && stretches[i]!.from < brush.end; ++i) {
    const [x0, x1] = extent(brush, stretches[i]!);
    if (x1 - x0 < NARROW && x0 < drawnTo + 1) continue;
    drawnTo = Math.max(x0, x1);
    draw(stretches[i]!, Math.max(brush.scale.left, x0), Math.min(brush.scale.right + 8, x1));
  }
}

function firstFrom(stretches: Stretch[], step: number): number {
  let low = 0, high = stretches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stretches[middle]!.to < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawActors(brush: Brush): void {
  const { ctx, palette, layout, life } = brush;
  ctx.textAlign = "left";
  const y = layout.actorY;
  eachStretch(brush, life.acting, (stretch, x0, x1) => {
    ctx.fillStyle = palette.faint;
    ctx.fillRect(x0, y + 16.5, Math.max(1, x1 - x0 - 2), 1.5);
    const actor = life.run.meta.actors[stretch.what];
    if (x1 - x0 < 22 || !actor) return;
    ctx.font = `600 11px ${FONT}`;
    ctx.fillStyle = palette.ink;
    const who = ctx.measureText(`${actor.who} `).width;
    fillClipped(ctx, actor.who, x0, y + 9, x1 - x0 - 4);
    ctx.font = `11px ${FONT}`;
    ctx.fillStyle = palette.quiet;
    if (x1 - x0 > who + 36) fillClipped(ctx, actor.where, x0 + who, y + 9, x1 - x0 - who - 6);
  });
}

function drawSpans(brush: Brush): void {
  const { ctx, palette, layout, life } = brush;
  ctx.textAlign = "left";
  ctx.font = `10.5px ${FONT}`;
  life.spans.forEach((row, depth) => {
    const y = layout.spanY[depth]!;
    eachStretch(brush, row, (stretch, x0, x1) => {
      ctx.strokeStyle = palette.quiet;
      ctx.lineWidth = 0.75;
      ctx.beginPath();
      ctx.moveTo(x0 + 0.5, y + 13);
      ctx.lineTo(x0 + 0.5, y + 3.5);
      ctx.lineTo(Math.max(x0 + 1, x1 - 2.5), y + 3.5);
      ctx.lineTo(Math.max(x0 + 1, x1 - 2.5), y + 13);
      ctx.stroke();
      ctx.fillStyle = palette.quiet;
      const site = life.run.meta.sites[life.run.events.site[stretch.what]!];
      if (x1 - x0 > 30) fillClipped(ctx, site?.name ?? "", x0 + 5, y + 9.5, x1 - x0 - 12);
    });
  });
}

// Calls paint for each piece of a lane that is wide enough to be seen, and paintNarrow for each pixel's worth of
// those that are not, with all of their bits.
function eachPiece(
  brush: Brush, timeline: Timeline,
  paint: (x0: number, x1: number, value: number) => void, paintNarrow: (x: number, values: number) => void,
): void {
  const { scale, edges, view, life } = brush;
  const { at, value } = timeline;
  let pixel = -1, bits = 0;
  const flush = () => {
    if (pixel >= 0) paintNarrow(pixel, bits);
    pixel = -1;
    bits = 0;
  };
  for (let i = Math.max(0, lastAtOrBefore(at, brush.first)); i < at.length; ++i) {
    const from = edges[at[i]!]!;
    if (from >= view.to) break;
    const to = edges[i + 1 < at.length ? at[i + 1]! : life.count]!;
    if (to <= view.from) continue;
    const x0 = scale.x(from), x1 = scale.x(to);
    if (x1 - x0 >= NARROW) {
      flush();
      paint(Math.max(scale.left - 4, x0), Math.min(scale.right + 12, x1), value[i]!);
    } else {
      if (Math.floor(x0) !== pixel) {
        flush();
        pixel = Math.floor(x0);
      }
      bits |= value[i]!;
    }
  }
  flush();
}

function drawLane(brush: Brush, row: Row): void {
  const { ctx, palette, layout, life, scale } = brush;
  const hue = hueOf(kindOf(row.lane), palette);
  const middle = row.y + layout.rowHeight / 2;
  ctx.fillStyle = hue;
  ctx.globalAlpha = 0.35;
  ctx.fillRect(scale.left, middle - 0.5, scale.right + 8 - scale.left, 1);
  ctx.globalAlpha = 1;
  if (row.lane === DISK) return drawDisk(brush, row, life.risk, hue);
  const timeline = life.lanes.get(row.lane);
  if (!timeline) return;
  if (row.lane === MEMORY) return drawVersions(brush, row, timeline, hue);
  if (row.lane === MEDIA) {
    return drawDisk(brush, row, { at: timeline.at, value: timeline.value.map(value => value * 4) }, hue);
  }
  const top = row.y + layout.pad, height = layout.rowHeight - 2 * layout.pad;
  eachPiece(brush, timeline,
    (x0, x1, value) => paintBar(brush, lookOf(row.lane, value), hue, x0, x1, top, height, lettersOf(row.lane, value)),
    (x, value) => {
      const { fill, locked } = lookOf(row.lane, value);
      if (fill === "none" && !locked) return;
      ctx.globalAlpha = fill === "solid" || fill === "both" ? 0.9 : fill === "none" ? 0.3 : 0.5;
      ctx.fillStyle = fill === "none" ? palette.ink : hue;
      ctx.fillRect(x, top, 1, fill === "none" ? 3 : height);
      ctx.globalAlpha = 1;
    });
}

function paintBar(
  { ctx, palette, dpr }: Brush, look: Look, hue: string, x0: number, x1: number, top: number, height: number,
  text: string,
): void {
  const width = x1 - x0 - (x1 - x0 > 4 ? 1 : 0);
  if (look.fill !== "none") {
    ctx.fillStyle = palette.paper;
    ctx.fillRect(x0, top, width, height);
    if (look.fill === "solid" || look.fill === "both") {
      ctx.fillStyle = hue;
      ctx.fillRect(x0, top, width, height);
      if (look.fill === "both") {
        ctx.fillStyle = weave(ctx, "gaps", palette.paper, dpr);
        ctx.fillRect(x0, top, width, height);
      }
    } else {
      if (look.fill !== "outline") {
        ctx.globalAlpha = look.fill === "stripes" ? 0.85 : 0.6;
        ctx.fillStyle = weave(ctx, look.fill, hue, dpr);
        ctx.fillRect(x0, top, width, height);
        ctx.globalAlpha = 1;
      }
      ctx.strokeStyle = hue;
      ctx.lineWidth = 1.25;
      if (width > 2) ctx.strokeRect(x0 + 0.6, top + 0.6, width - 1.2, height - 1.2);
    }
  }
  if (look.locked) {
    ctx.fillStyle = palette.paper;
    ctx.fillRect(x0, top, width, 4);
    ctx.fillStyle = weave(ctx, "lock", palette.ink, dpr);
    ctx.fillRect(x0, top, width, 3);
    ctx.fillStyle = palette.ink;
    ctx.fillRect(x0, top, width, 1);
  }
  if ((look.fill !== "none" || look.locked) && /[^-]/.test(text)) paintLetters(ctx, palette, look, hue, x0, width, top, height, text);
}

function paintLetters(
  ctx: CanvasRenderingContext2D, palette: Palette, look: Look, hue: string,
  x0: number, width: number, top: number, height: number, text: string,
): void {
  ctx.font = `600 11px ${MONO}`;
  const room = text.length * 6.7 + 4;
  if (width < room) return;
  const x = x0 + Math.max(2, Math.min(INDENT, width - room));
  const y = top + height / 2 + (look.locked ? 2 : 0.5);
  if (look.fill === "hatch" || look.fill === "stripes" || look.fill === "both") {
    ctx.fillStyle = look.fill === "both" ? hue : palette.paper;
    ctx.fillRect(x - 1, y - 6, room - 2, 12);
  }
  ctx.fillStyle = look.fill === "solid" || look.fill === "both" ? inkOn(hue) : palette.ink;
  ctx.textAlign = "left";
  ctx.fillText(text, x, y);
}

function drawVersions(brush: Brush, row: Row, timeline: Timeline, hue: string): void {
  const { ctx, palette, layout } = brush;
  const top = row.y + layout.pad, height = layout.rowHeight - 2 * layout.pad;
  eachPiece(brush, timeline, (x0, x1, value) => {
    ctx.fillStyle = hue;
    ctx.globalAlpha = 0.22;
    ctx.fillRect(x0, top, x1 - x0 - 0.5, height);
    ctx.globalAlpha = 1;
    ctx.fillRect(x0, top, 2, height);
    const text = lettersOf(row.lane, value);
    if (x1 - x0 < text.length * 6.5 + INDENT + 2) return;
    ctx.font = `11px ${MONO}`;
    ctx.fillStyle = palette.ink;
    ctx.textAlign = "left";
    ctx.fillText(text, x0 + INDENT, top + height / 2 + 0.5);
  }, x => {
    ctx.fillStyle = hue;
    ctx.globalAlpha = 0.7;
    ctx.fillRect(x, top, 1, height);
    ctx.globalAlpha = 1;
  });
}

const ALARM_WORDS = { "": "", unsaid: ", nothing says so", lost: ": lost" };

// The disk's lane is as high as it is behind. It is alarming where nothing says so.
function drawDisk(brush: Brush, row: Row, risk: Timeline, hue: string): void {
  const { ctx, palette, layout, dpr } = brush;
  const size = brush.life.run.meta.page_size;
  const most = layout.rowHeight - 2 * layout.pad, base = row.y + layout.pad + most;
  eachPiece(brush, risk, (x0, x1, value) => {
    const { behind, alarm } = riskOf(value);
    const doomed = alarm !== "";
    if (!behind) return;
    const height = 3 + (most * 0.42 - 3) * Math.min(1, behind / size);
    const width = x1 - x0 - 0.5;
    if (doomed) {
      ctx.fillStyle = palette.alarmPaper;
      ctx.fillRect(x0, row.y + 1, width, layout.rowHeight - 2);
      ctx.fillStyle = weave(ctx, "alarm", palette.alarm, dpr);
      ctx.fillRect(x0, base - height, width, height);
      ctx.strokeStyle = palette.alarm;
      ctx.lineWidth = 1;
      ctx.strokeRect(x0 + 0.5, base - height + 0.5, Math.max(0, width - 1), height - 1);
    } else {
      ctx.fillStyle = hue;
      ctx.fillRect(x0, base - height, width, height);
    }
    if (width < 20) return;
    ctx.font = `${doomed ? "600 " : ""}10.5px ${FONT}`;
    ctx.fillStyle = doomed ? palette.alarm : palette.quiet;
    ctx.textAlign = "left";
    const long = `${count(behind)} behind${ALARM_WORDS[alarm]}`;
    const text = [long, `${count(behind)} behind`, count(behind)].find(text => ctx.measureText(text).width < width - 5);
    if (text) ctx.fillText(text, x0 + 3, base - height - 5.5);
  }, (x, value) => {
    ctx.fillStyle = value & 3 ? palette.alarm : hue;
    ctx.fillRect(x, base - most * 0.42, 1, most * 0.42);
  });
}

const columnWidth = ({ scale, view, axis }: Brush): number =>
  axis === "step" ? (scale.right - scale.left) / (view.to - view.from) : 0;

const MOST_MARKS = 250;

function anchor(brush: Brush, step: number): { x: number; y: number } | null {
  const lane = brush.life.lane[step]!;
  const x = brush.scale.x(brush.edges[step]!) + (brush.axis === "step" ? Math.min(6, columnWidth(brush) / 2) : 0);
  if (lane === NO_LANE) return { x, y: brush.layout.actorY + 17 };
  const row = brush.layout.rowOf.get(lane) ?? (kindOf(lane) === "bh" ? brush.layout.rowOf.get(BUFFERS) : undefined);
  if (!row) return null;
  return { x, y: row.y + brush.layout.rowHeight / 2 };
}

// A small ring for a step that changes nothing on the lane that it is about.
function drawMarks(brush: Brush): void {
  const { ctx, life, palette } = brush;
  if (brush.end - brush.first > MOST_MARKS) return;
  for (let step = brush.first; step < brush.end; ++step) {
    const lane = life.lane[step]!;
    if (lane === NO_LANE && isSpan(life, step)) continue;
    if (changesOf(life, step).some(change => change.lane === lane)) continue;
    const at = anchor(brush, step);
    if (!at) continue;
    ctx.beginPath();
    ctx.arc(at.x, at.y, 3, 0, 2 * Math.PI);
    ctx.fillStyle = palette.paper;
    ctx.fill();
    ctx.strokeStyle = palette.ink;
    ctx.lineWidth = 1.25;
    ctx.stroke();
  }
}

function isSpan(life: Life, step: number): boolean {
  const phase = life.run.events.phase[life.events[step]!];
  return phase === BEGIN || phase === END;
}

const FEW_ARROWS = 90;

function drawCauses(brush: Brush): void {
  const { life } = brush;
  const chain = chainOf(life, brush.step);
  if (brush.end - brush.first <= MOST_MARKS) {
    const all: [number, number][] = [];
    for (let step = brush.first; step < brush.end; ++step) {
      if (life.cause[step]! >= 0) all.push([life.cause[step]!, step]);
    }
    if (all.length <= FEW_ARROWS) for (const [from, to] of all) drawArrow(brush, from, to, false);
  }
  for (const [from, to] of chain) drawArrow(brush, from, to, true);
}

const LONGEST_CHAIN = 40;

// What led to a step, and what it led to.
export function chainOf(life: Life, step: number): [number, number][] {
  if (step < 0) return [];
  const chain: [number, number][] = [];
  for (let to = step; life.cause[to]! >= 0 && chain.length < LONGEST_CHAIN; to = life.cause[to]!) {
    chain.push([life.cause[to]!, to]);
  }
  const open = [step];
  for (let from = open.shift(); from !== undefined && chain.length < LONGEST_CHAIN; from = open.shift()) {
    for (const to of life.effects.get(from) ?? []) {
      chain.push([from, to]);
      open.push(to);
    }
  }
  return chain.slice(0, LONGEST_CHAIN);
}

function drawArrow(brush: Brush, from: number, to: number, strong: boolean): void {
  const { ctx, palette } = brush;
  const tail = anchor(brush, from), head = anchor(brush, to);
  if (!tail || !head) return;
  const along = head.x - tail.x, level = tail.y === head.y;
  const bend = Math.max(12, Math.min(40, along * 0.5));
  const lift = level ? -Math.min(14, 6 + along * 0.05) : 0;
  ctx.strokeStyle = ctx.fillStyle = strong ? palette.ink : palette.quiet;
  ctx.globalAlpha = strong ? 0.95 : 0.35;
  ctx.lineWidth = strong ? 1.75 : 1;
  ctx.beginPath();
  ctx.moveTo(tail.x, tail.y);
  ctx.bezierCurveTo(tail.x + bend, tail.y + lift, head.x - bend, head.y + lift, head.x - 4, head.y + (level ? -1 : 0));
  ctx.stroke();
  ctx.save();
  ctx.translate(head.x, head.y);
  ctx.rotate(level ? 0.5 : 0);
  ctx.beginPath();
  ctx.moveTo(0, 0);
  ctx.lineTo(-6, -2.8);
  ctx.lineTo(-6, 2.8);
  ctx.fill();
  ctx.restore();
  ctx.globalAlpha = 1;
}

interface Flag { step: number; texts: string[] }

export function flagsOf(life: Life): Flag[] {
  const flags = new Map<string, Flag>();
  for (const loss of life.losses) {
    const texts = loss.kind === "lost" ? ["lost store", "lost"] : ["promised, not kept", "promised"];
    if (loss.stored >= 0) flags.set(`s${loss.stored}`, { step: loss.stored, texts });
    if (loss.dropped >= 0) flags.set(`d${loss.dropped}`, { step: loss.dropped, texts: ["nothing knows any more", "forgotten"] });
  }
  return [...flags.values()].sort((a, b) => a.step - b.step);
}

const MOST_FLAGS = 60;

function drawFlags(brush: Brush): void {
  const { layout, life, scale } = brush;
  if (layout.flagY < 0) return;
  const flags = flagsOf(life).filter(({ step }) => step >= brush.first && step < brush.end).slice(0, MOST_FLAGS)
    .flatMap(({ step, texts }) => {
      const at = anchor(brush, step);
      return at && at.x >= scale.left ? [{ at, texts }] : [];
    });
  const taken: [number, number][] = flags.map(({ at }) => [at.x - 2, at.x + 10]);
  for (const { at, texts } of flags) {
    drawPennant(brush, at);
    labelFlag(brush, at.x, texts, taken);
  }
}

function drawPennant({ ctx, palette, layout }: Brush, at: { x: number; y: number }): void {
  const y = layout.flagY + 4;
  ctx.strokeStyle = ctx.fillStyle = palette.alarm;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 2]);
  ctx.beginPath();
  ctx.moveTo(at.x, y);
  ctx.lineTo(at.x, at.y - 5);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(at.x, y);
  ctx.lineTo(at.x + 9, y + 4);
  ctx.lineTo(at.x, y + 8);
  ctx.fill();
  ctx.lineWidth = 1.75;
  ctx.beginPath();
  ctx.arc(at.x, at.y, 5.5, 0, 2 * Math.PI);
  ctx.stroke();
}

// Beside its flag where there is room, the long words if they fit, on the right if that is free.
function labelFlag({ ctx, layout, scale }: Brush, x: number, texts: string[], taken: [number, number][]): void {
  ctx.font = `600 11px ${FONT}`;
  ctx.textAlign = "left";
  for (const text of texts) {
    const width = ctx.measureText(text).width;
    for (const left of [x + 13, x - 5 - width]) {
      const right = left + width;
      if (left < scale.left || right > scale.right + 8 || taken.some(([from, to]) => left < to && from < right)) continue;
      ctx.fillText(text, left, layout.flagY + 8.5);
      taken.push([left - 4, right + 4]);
      return;
    }
  }
}

function drawNow(brush: Brush): void {
  const { ctx, palette, layout, scale, edges, step, axis, acts } = brush;
  if (axis !== "step" || step < 0 || !acts) return;
  const x0 = scale.x(edges[step]!);
  ctx.fillStyle = palette.now;
  ctx.fillRect(x0, 0, Math.max(2, columnWidth(brush)), layout.height);
}

function drawPlayhead({ ctx, palette, layout, scale, position, hover, acts }: Brush): void {
  if (hover !== null) {
    ctx.fillStyle = palette.quiet;
    ctx.globalAlpha = 0.5;
    ctx.fillRect(Math.round(scale.x(hover)), 0, 1, layout.lanesEnd);
    ctx.globalAlpha = 1;
  }
  const x = Math.round(scale.x(position));
  ctx.fillStyle = palette.accent;
  ctx.globalAlpha = acts ? 1 : 0.45;
  ctx.fillRect(x - 1, 0, 2, layout.lanesEnd + 4);
  ctx.beginPath();
  ctx.moveTo(x - 5, 0);
  ctx.lineTo(x + 5, 0);
  ctx.lineTo(x, 6);
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawAxis(brush: Brush): void {
  if (brush.axis === "step") drawSteps(brush);
  else drawTimes(brush);
}

function drawSteps(brush: Brush): void {
  const { ctx, palette, layout, scale, edges, life, step: current } = brush;
  const width = columnWidth(brush);
  const every = Math.max(1, tickStep((scale.right - scale.left) / width, (scale.right - scale.left) / 38));
  const y = layout.lanesEnd;
  ctx.textAlign = "left";
  ctx.fillStyle = palette.quiet;
  ctx.font = `11px ${FONT}`;
  ctx.fillText("step", 18, y + 9);
  if (width >= 54) ctx.fillText("after", 18, y + 22);
  for (let step = brush.first; step < brush.end; ++step) {
    const number = step + 1;
    const x = scale.x(edges[step]!);
    if (x < scale.left - 1) continue;
    if (every > 1 && number % every !== 0 && step !== current) continue;
    ctx.fillStyle = palette.line;
    ctx.fillRect(x, layout.lanesTop, 0.5, layout.lanesEnd - layout.lanesTop);
    ctx.fillStyle = step === current ? palette.ink : palette.quiet;
    ctx.font = `${step === current ? "700 " : ""}11px ${FONT}`;
    ctx.fillText(count(number), x + 3, y + 9);
    if (width < 54 || step === 0) continue;
    ctx.font = `10px ${FONT}`;
    ctx.fillText(duration(life.time[step]! - life.time[step - 1]!, 3), x + 3, y + 22);
  }
}

const DEEP = 2000;    // ticks before the view from which on they are told from where the view begins

function drawTimes({ ctx, palette, layout, scale, view, life }: Brush): void {
  const every = tickStep(view.to - view.from, (scale.right - scale.left) / 92);
  const start = Math.ceil(view.from / every) * every;
  const base = start / every > DEEP ? start : 0;
  const y = layout.lanesEnd;
  ctx.textAlign = "left";
  ctx.font = `11px ${FONT}`;
  ctx.fillStyle = palette.quiet;
  ctx.fillText("time", 18, y + 9);
  for (let time = start; time < view.to; time += every) {
    const x = scale.x(time);
    ctx.fillStyle = palette.line;
    ctx.fillRect(x, layout.lanesTop, 0.5, layout.lanesEnd - layout.lanesTop + 4);
    ctx.fillStyle = palette.quiet;
    const room = x + 70 < scale.right + 8;
    if (base && time > base && room) ctx.fillText(`+${duration(time - base)}`, x + 3, y + 9);
    else if (!base && room) ctx.fillText(duration(time), x + 3, y + 9);
  }
  if (base) {
    ctx.fillText("+0", scale.x(base) + 3, y + 9);
    ctx.fillText(`+0 is ${instant(base)}, cycle ${count(cyclesOf(life.run.meta, base))}`, scale.left + 3, y + 23);
  }
}
