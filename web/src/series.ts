import type { Counter } from "./format";

// Stepped series on one common axis: a value holds until the next.
export function align(counters: Pick<Counter, "t" | "v">[], end: number): { t: number[]; v: (number | null)[][] } {
  const t = [...new Set([...counters.flatMap(counter => counter.t), end])].sort((a, b) => a - b);
  const v = counters.map(counter => {
    let next = 0;
    let now: number | null = null;
    return t.map(time => {
      while (next < counter.t.length && counter.t[next]! <= time) now = counter.v[next++]!;
      return now;
    });
  });
  return { t, v };
}
