import { BEGIN, END } from "./decode";
import type { PageEntry, Place, Site } from "./format";
import {
  BUFFERS, DISK, KEY, MEDIA, MEMORY, PG, PTES, TAGS, INODE, TLBS,
  changesDirtiness, kindOf, laneOfEvent, says,
} from "./lanes";
import { type Run, eventsOfPage, spansAround } from "./run";

// The steps at which a lane changes, and to what. Before the first it is 0.
export interface Timeline { at: number[]; value: number[] }

export interface Loss { stored: number; dropped: number; offset: number; length: number; kind: "lost" | "lie"; finding: number }

export interface Stretch { from: number; to: number; what: number }   // steps from..to, both included

// A page's life: its steps are its events, numbered from 0.
export interface Life {
  run: Run;
  page: number;
  entry: PageEntry;
  count: number;
  events: Uint32Array;
  time: Float64Array;
  lanes: Map<number, Timeline>;
  shown: number[];
  risk: Timeline;           // the disk's lane, with what makes it alarming: see riskOf
  saying: Timeline;         // how many lanes say that the page is yet to be written, or is being written
  lane: Uint16Array;        // where a step is marked, or NO_LANE: where it says who acts
  cause: Int32Array;        // the step that a step is because of, -1: none, -2: an event that is not this page's
  effects: Map<number, number[]>;
  dirtiness: Uint8Array;
  losses: Loss[];
  acting: Stretch[];        // what: an actor
  spans: Stretch[][];       // by depth; what: the event that begins the span
}

export function valueAt(timeline: Timeline | undefined, step: number): number {
  if (!timeline) return 0;
  const i = lastAtOrBefore(timeline.at, step);
  return i < 0 ? 0 : timeline.value[i]!;
}

// The last i with sorted[i] <= x, or -1.
export function lastAtOrBefore(sorted: ArrayLike<number>, x: number): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function stepOfEvent(life: Life, event: number): number {
  const step = lastAtOrBefore(life.events, event);
  return step >= 0 && life.events[step] === event ? step : -1;
}

export interface Change { lane: number; before: number; after: number }

export function changesOf(life: Life, step: number): Change[] {
  const { changeStart, changeLane } = life.run.events;
  const event = life.events[step]!;
  const lanes = new Set<number>();
  for (let i = changeStart[event]!; i < changeStart[event + 1]!; ++i) lanes.add(changeLane[i]!);
  return [...lanes]
    .map(lane => ({ lane, before: valueAt(life.lanes.get(lane), step - 1), after: valueAt(life.lanes.get(lane), step) }))
    .filter(change => change.before !== change.after);
}

// What every lane that is shown holds after the step; with -1, before the first.
export function stateAt(life: Life, step: number): Map<number, number> {
  return new Map(life.shown.map(lane => [lane, valueAt(life.lanes.get(lane), step)]));
}

export type Alarm = "" | "unsaid" | "lost";

// How many bytes the disk is behind, and whether nothing says so, or some of them are lost in the end.
export function riskOf(value: number): { behind: number; alarm: Alarm } {
  return { behind: Math.floor(value / 4), alarm: value & 2 ? "lost" : value & 1 ? "unsaid" : "" };
}

export function alarmAt(life: Life, step: number): Alarm {
  return riskOf(valueAt(life.risk, step)).alarm;
}

export function unsaidAt(life: Life, step: number): boolean {
  return valueAt(life.lanes.get(DISK), step) > 0 && valueAt(life.saying, step) === 0;
}

export function lifeOf(run: Run, page: number): Life {
  const events = eventsOfPage(run, page);
  const entry = run.meta.pages[page]!;
  const count = events.length;
  const time = Float64Array.from(events, event => run.events.time[event]!);
  const life: Life = {
    run, page, entry, count, events, time,
    lanes: new Map(), shown: [], risk: { at: [], value: [] }, saying: { at: [], value: [] },
    lane: new Uint16Array(count), cause: new Int32Array(count).fill(-1), effects: new Map(),
    dirtiness: new Uint8Array(count), losses: [], acting: [], spans: [],
  };
  life.losses = findLosses(life);
  replay(life);
  findCauses(life);
  life.shown = lanesToShow(life);
  life.acting = stretches(count, step => run.events.actor[events[step]!]!);
  life.spans = nestedSpans(life);
  return life;
}

function replay(life: Life): void {
  const { events } = life.run;
  const now = new Map<number, number>();
  const lostSince = Math.min(...life.losses.filter(loss => loss.kind === "lost" && loss.dropped >= 0).map(loss => loss.dropped));
  let saying = 0, said = 0, risk = 0;
  for (let step = 0; step < life.count; ++step) {
    const event = life.events[step]!;
    for (let i = events.changeStart[event]!; i < events.changeStart[event + 1]!; ++i) {
      const lane = events.changeLane[i]!, after = events.changeValue[i]!;
      const before = now.get(lane) ?? 0;
      if (before === after) continue;
      now.set(lane, after);
      record(life.lanes, lane, step, after);
      saying += Number(says(lane, after)) - Number(says(lane, before));
      if (changesDirtiness(lane, before, after)) life.dirtiness[step] = 1;
    }
    const behind = now.get(DISK) ?? 0;
    const next = behind && behind * 4 + (step >= lostSince ? 2 : saying === 0 ? 1 : 0);
    if (next !== risk) append(life.risk, step, risk = next);
    if (saying !== said) append(life.saying, step, said = saying);
    life.lane[step] = markLane(life, event);
  }
}

function record(lanes: Map<number, Timeline>, lane: number, step: number, value: number): void {
  let timeline = lanes.get(lane);
  if (!timeline) lanes.set(lane, timeline = { at: [], value: [] });
  const last = timeline.at.length - 1;
  if (last >= 0 && timeline.at[last] === step) timeline.value[last] = value;
  else append(timeline, step, value);
}

function append(timeline: Timeline, step: number, value: number): void {
  timeline.at.push(step);
  timeline.value.push(value);
}

const PLACE_OF_KIND = {
  tlb: "tlb", pte: "pte", key: "key", pg: "page", bh: "buffer", tags: "tag", inode: "inode",
  memory: "memory", disk: "disk", media: "disk", cached: "none",
} as const;

export const NO_LANE = 0xffff;

function markLane(life: Life, event: number): number {
  const { events, meta } = life.run;
  const site = meta.sites[events.site[event]!];
  const place = placeOf(site);
  let other = -1;
  for (let i = events.changeStart[event]!; i < events.changeStart[event + 1]!; ++i) {
    const lane = events.changeLane[i]!, kind = kindOf(lane);
    if (PLACE_OF_KIND[kind] === place && kind !== "media") return lane;
    if (kind !== "cached" && (other < 0 || kindOf(other) === "disk" || kindOf(other) === "media")) other = lane;
  }
  if (site?.stores) return MEMORY;
  if (place === "none") return other >= 0 ? other : NO_LANE;
  if (events.phase[event] === BEGIN || events.phase[event] === END) return NO_LANE;
  return laneOfEvent(place, events.block[event]!, meta.actors[events.actor[event]!]!, meta.cores);
}

// A flush is about TLBs, whatever it says itself.
function placeOf(site: Site | undefined): Place {
  return site?.name.startsWith("flush_tlb") ? "tlb" : site?.place ?? "none";
}

function findCauses(life: Life): void {
  for (let step = 0; step < life.count; ++step) {
    const cause = life.run.events.cause[life.events[step]!]!;
    if (cause < 0) continue;
    const from = stepOfEvent(life, cause);
    life.cause[step] = from >= 0 ? from : -2;
    if (from < 0) continue;
    const effects = life.effects.get(from);
    if (effects) effects.push(step);
    else life.effects.set(from, [step]);
  }
}

const FEW = 4;     // lanes of a kind that are shown though nothing ever happens on them,
const MANY = 13;   // unless there are as many lanes as this

function lanesToShow(life: Life): number[] {
  const changing = (lane: number) => life.lanes.has(lane);
  const { meta } = life.run;
  const some = (first: number, count: number) => {
    const all = Array.from({ length: count }, (_, i) => first + i);
    return count <= FEW ? all : all.filter(changing);
  };
  const buffers = Math.max(1, Math.round(meta.page_size / meta.block_size));
  const ptes = some(PTES, Math.max(1, life.entry.ptes.length));
  const lanes = [
    ...some(TLBS, meta.cores),
    ...(ptes.length ? ptes : [PTES]),
    ...(changing(KEY) ? [KEY] : []),
    PG,
    ...some(BUFFERS, buffers),
    TAGS,
    ...(changing(INODE) ? [INODE] : []),
    MEMORY,
    DISK,
    ...(mediaDiffers(life) ? [MEDIA] : []),
  ];
  const always = [PTES, PG, BUFFERS, TAGS, MEMORY, DISK];
  return lanes.length < MANY ? lanes : lanes.filter(lane => changing(lane) || always.includes(lane));
}

function mediaDiffers(life: Life): boolean {
  const media = life.lanes.get(MEDIA), disk = life.lanes.get(DISK);
  if (!media) return false;
  return media.at.length !== disk?.at.length || media.at.some((at, i) => at !== disk.at[i] || media.value[i] !== disk.value[i]);
}

function findLosses(life: Life): Loss[] {
  const losses: Loss[] = [];
  life.run.meta.findings.forEach((finding, number) => {
    if (finding.page !== life.page) return;
    losses.push({
      stored: finding.stored_event === null ? -1 : lastAtOrBefore(life.events, finding.stored_event),
      dropped: finding.dropped_event === null ? -1 : lastAtOrBefore(life.events, finding.dropped_event),
      offset: finding.offset, length: finding.length, kind: finding.kind, finding: number,
    });
  });
  return losses;
}

function stretches(count: number, of: (step: number) => number): Stretch[] {
  const all: Stretch[] = [];
  for (let step = 0; step < count; ++step) {
    const what = of(step);
    const last = all.at(-1);
    if (last && last.what === what && last.to === step - 1) last.to = step;
    else all.push({ from: step, to: step, what });
  }
  return all;
}

const DEEPEST = 3;

function nestedSpans(life: Life): Stretch[][] {
  const chains = Array.from({ length: DEEPEST }, () => new Int32Array(life.count).fill(-1));
  for (let step = 0; step < life.count; ++step) {
    const around = spansAround(life.run, life.events[step]!);
    around.slice(0, DEEPEST).forEach((span, depth) => { chains[depth]![step] = span; });
  }
  return chains
    .map(chain => stretches(life.count, step => chain[step]!).filter(stretch => stretch.what >= 0))
    .filter(row => row.length > 0);
}
