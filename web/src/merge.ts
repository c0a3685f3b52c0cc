import type { Life } from "./history";
import { siteName } from "./words";

// The steps of one life, or of the same page's lives in two runs, in one order: that of time. What both runs do at
// the same instant has one place, so that two runs go hand in hand until they part.
export interface Merged {
  count: number;
  run: Uint8Array;           // by place: the first run that takes a step there, and which
  step: Uint32Array;
  stepOf: Int32Array[];      // by run: its last step at or before a place, or -1
  place: Float64Array[];     // by run: where its steps are, and at the end where all is over
}

export function merge(lives: (Life | null)[]): Merged {
  const most = lives.reduce((sum, life) => sum + (life?.count ?? 0), 0);
  const run = new Uint8Array(most), step = new Uint32Array(most);
  const stepOf = lives.map(() => new Int32Array(most));
  const place = lives.map(life => new Float64Array((life?.count ?? 0) + 1));
  const next = lives.map(() => 0);
  let count = 0;
  for (let first = earliest(lives, next); first >= 0; first = earliest(lives, next), ++count) {
    run[count] = first;
    step[count] = next[first]!;
    const together = lives.map((life, r) => r === first || alike(lives[first]!, next[first]!, life, next[r]!));
    together.forEach((takes, r) => { if (takes) place[r]![next[r]!++] = count; });
    stepOf.forEach((of, r) => { of[count] = next[r]! - 1; });
  }
  for (const places of place) places[places.length - 1] = count;
  return {
    count, place, run: run.subarray(0, count), step: step.subarray(0, count),
    stepOf: stepOf.map(of => of.subarray(0, count)),
  };
}

// Does the run take a step at the place?
export function acts(merged: Merged, r: number, place: number): boolean {
  const step = merged.stepOf[r]![place] ?? -1;
  return step >= 0 && merged.place[r]![step] === place;
}

function earliest(lives: (Life | null)[], next: number[]): number {
  let best = -1, time = Infinity;
  lives.forEach((life, r) => {
    if (life && next[r]! < life.count && life.time[next[r]!]! < time) {
      best = r;
      time = life.time[next[r]!]!;
    }
  });
  return best;
}

function alike(one: Life, step: number, other: Life | null, otherStep: number): boolean {
  return other !== null && otherStep < other.count && one.time[step] === other.time[otherStep] &&
    siteName(one.run, one.events[step]!) === siteName(other.run, other.events[otherStep]!);
}
