import { type ReadonlySignal, type Signal, batch, computed, signal } from "@preact/signals";
import { type ByteIndex, indexBytes } from "./bytes";
import type { PageEntry } from "./format";
import { type Life, lastAtOrBefore, lifeOf } from "./history";
import { type Merged, acts, merge } from "./merge";
import { type Theme, wearTheme } from "./palette";
import { type Run, pageNumber } from "./run";

export type Axis = "step" | "time";
export interface View { from: number; to: number }

export interface Picked {
  key: string;
  lives: (Life | null)[];
  bytes: (ByteIndex | null)[];
  merged: Merged;
}

export interface PickerEntry { key: string; ino: number; page: number; entries: (PageEntry | null)[]; worst: number }

// What the reader is looking at: one page, one step of it, and a part of its lanes.
export interface Story {
  runs: Run[];
  pages: PickerEntry[];
  picked: Signal<Picked>;
  cursor: Signal<number>;            // a place in the merged order
  axis: Signal<Axis>;
  view: Signal<View>;
  theme: Signal<Theme>;
  hover: Signal<number | null>;      // in the axis' units
  end: number;                       // ps: of the longer run
  now: ReadonlySignal<number>;       // ps
  edges: ReadonlySignal<Float64Array[]>;
}

const FIRST_COLUMNS = 40;

export function makeStory(runs: Run[], theme: Theme): Story {
  const pages = pagesOf(runs);
  const end = Math.max(...runs.map(run => Math.max(run.meta.end_ps, run.events.time.at(-1) ?? 0)), 1);
  const picked = signal(lookUp(runs, pages[0]?.key ?? ""));
  const cursor = signal(0);
  const axis = signal<Axis>("step");
  const view = signal<View>({ from: 0, to: 1 });
  const story: Story = {
    runs, pages, picked, cursor, axis, view, end,
    theme: signal(theme),
    hover: signal<number | null>(null),
    now: computed(() => timeOfPlace(picked.value, cursor.value)),
    edges: computed(() => axis.value === "step" ? picked.value.merged.place : timeEdges(picked.value, end)),
  };
  showFirst(story);
  return story;
}

const keyOfPage = (page: { ino: number; page: number }) => `${page.ino}:${page.page}`;

function pagesOf(runs: Run[]): PickerEntry[] {
  const byKey = new Map<string, PickerEntry>();
  runs.forEach((run, r) => run.meta.pages.forEach(entry => {
    const key = keyOfPage(entry);
    let known = byKey.get(key);
    if (!known) byKey.set(key, known = { key, ino: entry.ino, page: entry.page, entries: runs.map(() => null), worst: 0 });
    known.entries[r] = entry;
    known.worst = Math.max(known.worst, entry.lost + entry.lied);
  }));
  const pages = [...byKey.values()];
  return runs.length > 1 ? pages.sort((a, b) => b.worst - a.worst) : pages;
}

function lookUp(runs: Run[], key: string): Picked {
  const [ino, page] = key.split(":").map(Number);
  const lives = runs.map(run => {
    const number = pageNumber(run, ino ?? -1, page ?? -1);
    return number < 0 ? null : lifeOf(run, number);
  });
  return { key, lives, bytes: lives.map(life => life && indexBytes(life)), merged: merge(lives) };
}

function timeEdges(picked: Picked, end: number): Float64Array[] {
  return picked.lives.map(life => {
    const edges = new Float64Array((life?.count ?? 0) + 1);
    if (life) edges.set(life.time);
    edges[edges.length - 1] = end;
    return edges;
  });
}

export function timeOfPlace(picked: Picked, place: number): number {
  const { merged } = picked;
  if (!merged.count) return 0;
  return picked.lives[merged.run[place]!]!.time[merged.step[place]!]!;
}

export function wholeView(story: Story): View {
  return story.axis.value === "step"
    ? { from: 0, to: Math.max(1, story.picked.value.merged.count) } : { from: 0, to: story.end };
}

function showFirst(story: Story): void {
  const whole = wholeView(story);
  story.view.value = story.axis.value === "step" && whole.to > FIRST_COLUMNS * 1.25
    ? { from: 0, to: FIRST_COLUMNS } : whole;
}

export function pick(story: Story, key: string): void {
  if (key === story.picked.value.key) return;
  batch(() => {
    story.picked.value = lookUp(story.runs, key);
    story.cursor.value = 0;
    story.hover.value = null;
    showFirst(story);
  });
}

const LEAST = { step: 4, time: 1000 };

export function look(story: Story, from: number, to: number): void {
  const whole = wholeView(story);
  const width = Math.min(whole.to, Math.max(LEAST[story.axis.value], to - from));
  const start = Math.min(whole.to - width, Math.max(0, from + (to - from - width) / 2));
  story.view.value = { from: start, to: start + width };
}

export function zoom(story: Story, factor: number, around?: number): void {
  const { from, to } = story.view.value;
  const here = positionOf(story, story.cursor.value);
  const centre = around ?? (here >= from && here <= to ? here : (from + to) / 2);
  look(story, centre - (centre - from) * factor, centre + (to - centre) * factor);
}

export function positionOf(story: Story, place: number): number {
  return story.axis.value === "step" ? place : timeOfPlace(story.picked.value, place);
}

export function go(story: Story, place: number): void {
  const last = story.picked.value.merged.count - 1;
  if (last < 0) return;
  batch(() => {
    story.cursor.value = Math.max(0, Math.min(last, Math.round(place)));
    reveal(story);
  });
}

// Moves the view, if the playhead is not in it.
function reveal(story: Story): void {
  const { from, to } = story.view.value;
  const at = positionOf(story, story.cursor.value), end = at + (story.axis.value === "step" ? 1 : 0);
  if (at < from) look(story, at - (to - from) * 0.15, at + (to - from) * 0.85);
  else if (end > to) look(story, end - (to - from) * 0.85, end + (to - from) * 0.15);
}

// From one axis to the other, with the same part of the life in view.
export function setAxis(story: Story, axis: Axis): void {
  if (axis === story.axis.value) return;
  const { from, to } = story.view.value;
  const { merged } = story.picked.value;
  batch(() => {
    if (axis === "time") {
      const first = Math.floor(from), last = Math.ceil(to);
      const whole = first <= 0 && last >= merged.count;
      story.axis.value = axis;
      if (whole || !merged.count) showFirst(story);
      else around(story, timeOfPlace(story.picked.value, first), timeOfPlace(story.picked.value, Math.min(merged.count, last) - 1));
    } else {
      const first = placeAtTime(story, from) + 1, last = placeAtTime(story, to);
      story.axis.value = axis;
      if (last - first < 3) look(story, story.cursor.value - FIRST_COLUMNS / 2, story.cursor.value + FIRST_COLUMNS / 2);
      else look(story, first, last + 1);
    }
    reveal(story);
  });
}

function around(story: Story, from: number, to: number): void {
  const margin = (to - from) * 0.05;
  look(story, from - margin, to + margin);
}

// The last place at or before a time, or -1.
export function placeAtTime(story: Story, time: number): number {
  const { merged, lives } = story.picked.value;
  return lives.reduce((last, life, r) => {
    const step = life ? lastAtOrBefore(life.time, time) : -1;
    return step < 0 ? last : Math.max(last, merged.place[r]![step]!);
  }, -1);
}

export function nearestPlace(story: Story, time: number): number {
  const before = placeAtTime(story, time);
  const after = Math.min(before + 1, story.picked.value.merged.count - 1);
  if (before < 0) return after;
  const gap = (place: number) => Math.abs(timeOfPlace(story.picked.value, place) - time);
  return gap(before) <= gap(after) ? before : after;
}

export function placeAtPosition(story: Story, position: number): number {
  if (story.axis.value === "time") return nearestPlace(story, position);
  return Math.max(0, Math.min(story.picked.value.merged.count - 1, Math.floor(position)));
}

export function zoomToStep(story: Story): void {
  const { merged } = story.picked.value;
  const place = story.cursor.value;
  if (story.axis.value === "step") return look(story, Math.max(0, place - 6), Math.min(merged.count, place + 7));
  const now = story.now.value;
  const gaps = [-2, -1, 1, 2].map(by => place + by).filter(at => at >= 0 && at < merged.count)
    .map(at => Math.abs(timeOfPlace(story.picked.value, at) - now)).filter(gap => gap > 0);
  const reach = 8 * Math.min(story.end / 8, ...gaps);
  look(story, now - reach, now + reach);
}

// Where the picked page is forgotten, in each run; or where what was lost was stored.
export function lossPlaces(picked: Picked): number[] {
  const places = picked.lives.flatMap((life, r) => life
    ? life.losses.map(loss => loss.dropped >= 0 ? loss.dropped : loss.stored).filter(step => step >= 0)
      .map(step => picked.merged.place[r]![step]!) : []);
  return [...new Set(places)].sort((a, b) => a - b);
}

export function goToLoss(story: Story): boolean {
  const places = lossPlaces(story.picked.value);
  const next = places.find(place => place > story.cursor.value) ?? places[0];
  if (next === undefined) return false;
  go(story, next);
  return true;
}

export function goToDirtiness(story: Story, direction: 1 | -1): void {
  const { merged, lives } = story.picked.value;
  for (let place = story.cursor.value + direction; place >= 0 && place < merged.count; place += direction) {
    const dirties = lives.some((life, r) => life && acts(merged, r, place) && life.dirtiness[merged.stepOf[r]![place]!]);
    if (dirties) return go(story, place);
  }
}

const REMEMBERED = "mkclean-theme";

export function rememberedTheme(): Theme {
  try {
    const theme = localStorage.getItem(REMEMBERED);
    if (theme === "light" || theme === "dark") return theme;
  } catch { /* a page opened from a file may have no storage */ }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function setTheme(story: Story, theme: Theme): void {
  story.theme.value = theme;
  wearTheme(theme);
  try {
    localStorage.setItem(REMEMBERED, theme);
  } catch { /* then it is not remembered */ }
}
