import { type Life, lastAtOrBefore, unsaidAt, valueAt } from "./history";
import { CACHED, DISK } from "./lanes";

// What is known of each byte of a page after a step.
export const SAME = 0, DIRTY_BYTE = 1, TORN = 2, DOOMED = 3, LOST = 4;
export type ByteState = typeof SAME | typeof DIRTY_BYTE | typeof TORN | typeof DOOMED | typeof LOST;

export interface Range { from: number; to: number; state: ByteState }

export interface ByteMap {
  state: Uint8Array;
  ranges: Range[];                              // of what is not SAME
  reading: { from: number; to: number }[];      // what the disk's DMA is reading just now
}

// A block's bytes on their way to the disk: steps, Infinity for what never came.
interface Capture { first: number; last: number; readable: number }

// What is underway with a block, and what has been.
interface Block { reads: boolean; captures: Capture[] }

export interface ByteIndex {
  stores: { step: number; from: number; to: number }[];
  storeSteps: Uint32Array;
  blocks: Block[];
  filled: number[];          // steps at which memory was made what the disk has
}

export function indexBytes(life: Life): ByteIndex {
  const { events, meta } = life.run;
  const count = Math.max(1, Math.round(meta.page_size / meta.block_size));
  const blocks = Array.from({ length: count }, (): Block => ({ reads: false, captures: [] }));
  const index: ByteIndex = { stores: [], storeSteps: new Uint32Array(), blocks, filled: stepsInto(life) };
  const siteOf = (step: number) => meta.sites[events.site[life.events[step]!]!];
  const nameOf = (step: number) => siteOf(step)?.name ?? "";
  const arrives = life.events.some((_, step) => nameOf(step) === "disk_in_cache") ? "disk_in_cache" : "disk_on_media";
  for (let step = 0; step < life.count; ++step) {
    const event = life.events[step]!;
    const name = nameOf(step);
    if (siteOf(step)?.stores) {
      index.stores.push({ step, from: events.a[event]!, to: Math.min(events.b[event]!, meta.page_size - 1) });
    } else {
      const number = events.block[event]!;
      const isRead = name === "submit_bh" && events.b[event] === 0;
      for (const block of number > 0 ? blocks.slice(number - 1, number) : blocks) follow(block, name, arrives, isRead, step);
    }
  }
  index.storeSteps = Uint32Array.from(index.stores, store => store.step);
  return index;
}

// The steps at which the page comes into the page cache, with what the disk has.
function stepsInto(life: Life): number[] {
  const cached = life.lanes.get(CACHED);
  return cached ? cached.at.filter((_, i) => cached.value[i] === 1) : [];
}

// Reads have beats as writes have; which of the two is underway, submit_bh has said.
function follow(block: Block, name: string, arrives: string, isRead: boolean, step: number): void {
  const latest = block.captures.at(-1);
  if (name === "submit_bh") {
    block.reads = isRead;
  } else if (name === "disk_first_beat" && !block.reads) {
    block.captures.push({ first: step, last: Infinity, readable: Infinity });
  } else if (name === "disk_last_beat" && latest?.last === Infinity) {
    latest.last = step;
  } else if (name === arrives && latest && latest.last < Infinity && latest.readable === Infinity) {
    latest.readable = step;
  }
}

export function byteMap(life: Life, index: ByteIndex, step: number): ByteMap {
  const { page_size: size, block_size: blockSize } = life.run.meta;
  const state = new Uint8Array(size);
  const written = index.blocks.map(({ captures }) => lastReadable(captures, step));
  const unsaid = unsaidAt(life, step);
  const behind = valueAt(life.lanes.get(DISK), step);   // exact: with 0, the stores have brought nothing new
  if (behind > 0 && inCache(life, step)) {
    for (const [byte, stored] of lastStores(index, step, size)) {
      const capture = written[Math.min(written.length - 1, Math.floor(byte / blockSize))];
      if (!capture || stored > capture.last) state[byte] = unsaid ? DOOMED : DIRTY_BYTE;
      else if (stored > capture.first) state[byte] = TORN;
    }
  }
  for (const loss of life.losses) {
    const since = loss.dropped >= 0 ? loss.dropped : life.count - 1;
    if (loss.kind === "lost" && step >= since) state.fill(LOST, loss.offset, loss.offset + loss.length);
  }
  return { state, ranges: rangesOf(state), reading: beingRead(index, step, blockSize) };
}

function inCache(life: Life, step: number): boolean {
  const cached = life.lanes.get(CACHED);
  return !cached || valueAt(cached, step) === 1;
}

function lastReadable(captures: Capture[], step: number): Capture | undefined {
  return captures.findLast(capture => capture.readable <= step);
}

// Each byte that was stored to since the page was filled, with the step of its last store. From the last
// store backwards; `next` skips what has been answered, so that it is cheap after a hundred thousand stores.
function* lastStores(index: ByteIndex, step: number, size: number): Generator<[number, number]> {
  const filled = index.filled[lastAtOrBefore(index.filled, step)] ?? -1;
  const next = Uint16Array.from({ length: size + 1 }, (_, byte) => byte);
  const find = (byte: number): number => {
    let root = byte;
    while (next[root] !== root) root = next[root]!;
    while (next[byte] !== root) [byte, next[byte]] = [next[byte]!, root];
    return root;
  };
  let left = size;
  for (let i = lastAtOrBefore(index.storeSteps, step); i >= 0 && left > 0; --i) {
    const store = index.stores[i]!;
    if (store.step < filled) break;
    for (let byte = find(store.from); byte <= store.to; byte = find(byte)) {
      yield [byte, store.step];
      next[byte] = byte + 1;
      --left;
    }
  }
}

function rangesOf(state: Uint8Array): Range[] {
  const ranges: Range[] = [];
  for (let from = 0; from < state.length;) {
    let to = from;
    while (to + 1 < state.length && state[to + 1] === state[from]) ++to;
    if (state[from] !== SAME) ranges.push({ from, to, state: state[from] as ByteState });
    from = to + 1;
  }
  return ranges;
}

function beingRead(index: ByteIndex, step: number, blockSize: number): { from: number; to: number }[] {
  return index.blocks.flatMap(({ captures }, block) =>
    captures.some(capture => capture.first <= step && step < capture.last)
      ? [{ from: block * blockSize, to: (block + 1) * blockSize - 1 }] : []);
}

const STATE_WORDS: { [state in ByteState]: string } = {
  [SAME]: "the same in memory and on the disk",
  [DIRTY_BYTE]: "newer in memory; something still says so",
  [TORN]: "stored to while the disk was reading the block: perhaps half captured",
  [DOOMED]: "newer in memory; nothing says so any more",
  [LOST]: "lost: nothing says so, and the disk never got them",
};

export function stateWords(state: ByteState): string { return STATE_WORDS[state]; }
