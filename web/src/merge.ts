import type { Life } from "./history";

// The steps of one life, or of the same page's lives in two runs, in one order: that of time.
export interface Merged {
  count: number;
  run: Uint8Array;
  step: Uint32Array;
  stepOf: Int32Array[];      // by run: its last step at or before a place in the order, or -1
  place: Float64Array[];     // by run: where its steps are, and at the end where all is over
}

export function merge(lives: (Life | null)[]): Merged {
  const count = lives.reduce((sum, life) => sum + (life?.count ?? 0), 0);
  const run = new Uint8Array(count), step = new Uint32Array(count);
  const stepOf = lives.map(() => new Int32Array(count));
  const place = lives.map(life => new Float64Array((life?.count ?? 0) + 1).fill(count));
  const next = lives.map(() => 0);
  for (let at = 0; at < count; ++at) {
    const first = earliest(lives, next);
    run[at] = first;
    step[at] = next[first]!;
    place[first]![next[first]!++] = at;
    stepOf.forEach((of, r) => { of[at] = next[r]! - 1; });
  }
  return { count, run, step, stepOf, place };
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
