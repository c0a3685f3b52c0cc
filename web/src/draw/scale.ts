import { lastAtOrBefore } from "../history";
import type { View } from "../story";

// From an axis' units to pixels and back, and which steps are in view.
export interface Scale {
  left: number;
  right: number;
  x(position: number): number;
  position(x: number): number;
}

export function makeScale(view: View, left: number, right: number): Scale {
  const perUnit = (right - left) / (view.to - view.from);
  return {
    left, right,
    x: position => left + (position - view.from) * perUnit,
    position: x => view.from + (x - left) / perUnit,
  };
}

// The steps that reach into the view: first <= step < end.
export function inView(edges: Float64Array, view: View): { first: number; end: number } {
  const steps = edges.subarray(0, edges.length - 1);
  return { first: Math.max(0, lastAtOrBefore(steps, view.from)), end: lastAtOrBefore(steps, view.to) + 1 };
}

// Round distances between ticks: 1, 2 or 5 times a power of ten.
export function tickStep(span: number, most: number): number {
  const raw = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find(factor => factor * power >= raw) ?? 10);
}
