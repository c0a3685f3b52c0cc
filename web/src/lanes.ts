import type { Actor, PageEntry, Place } from "./format";
import { count, plural } from "./numbers";

// A page's lanes: which numbers the format gives them, and how their values are written.
export const PG = 0, TAGS = 1, INODE = 2, KEY = 3, DISK = 4, CACHED = 5, MEDIA = 6, MEMORY = 7;
export const BUFFERS = 8, PTES = 16, TLBS = 64;

export const PG_LOCKED = 1, PG_DIRTY = 2, PG_WRITEBACK = 4, PG_UPTODATE = 8;
export const TAG_DIRTY = 1, TAG_WRITEBACK = 2, TAG_TOWRITE = 4;
export const BH_DIRTY = 1, BH_LOCKED = 2;
export const PRESENT = 1, WRITABLE = 2, DIRTY = 4;
export const KEY_CHANGED = 1, KEY_REFERENCED = 2;

export type Kind =
  | "tlb" | "pte" | "key" | "pg" | "bh" | "tags" | "inode" | "memory" | "disk" | "media" | "cached";

export function kindOf(lane: number): Kind {
  if (lane >= TLBS) return "tlb";
  if (lane >= PTES) return "pte";
  if (lane >= BUFFERS) return "bh";
  return (["pg", "tags", "inode", "key", "disk", "cached", "media", "memory"] as const)[lane]!;
}

// What tests and the table call a lane.
export function keyOf(lane: number): string {
  const kind = kindOf(lane);
  if (kind === "tlb") return `tlb${lane - TLBS}`;
  if (kind === "pte") return `pte${lane - PTES}`;
  if (kind === "bh") return `bh${lane - BUFFERS}`;
  return kind;
}

export function titleOf(lane: number, page: PageEntry): string {
  switch (kindOf(lane)) {
    case "tlb": return `TLB core${lane - TLBS}`;
    case "pte": return page.ptes.length > 1
      ? `PTE ${page.ptes[lane - PTES]?.process ?? ""} ${lane - PTES}` : "PTE";
    case "bh": return `buffer ${lane - BUFFERS}`;
    case "pg": return "PG_ flags";
    case "tags": return "tags";
    case "inode": return "inode";
    case "key": return "storage key";
    case "memory": return "memory";
    case "disk": return "disk";
    case "media": return "media";
    case "cached": return "page cache";
  }
}

const STORIES: { [kind in Kind]: string } = {
  tlb: "A core's own copy of the PTE. The MMU fills it, and sets D with the first store through it; invlpg, a shootdown or an eviction drop it.",
  pte: "The page table's entry. The walker or the fault handler sets D; page_mkclean, zap, reclaim and msync clear it.",
  key: "The frame's storage key. Any store sets C; the kernel resets it.",
  pg: "The page's flags. set_page_dirty sets the master dirty bit, clear_page_dirty_for_io clears it.",
  bh: "The buffer_head of a block. set_page_dirty dirties all of a page's, write(2) some; writepage cleans them, and the journal does so by itself.",
  tags: "The page's tags in its mapping's radix tree, by which a sync finds it.",
  inode: "Is the file's inode on the list of dirty ones, which the flusher goes through?",
  memory: "How many stores the page has had.",
  disk: "In how many bytes the disk, as it would read back now, differs from memory.",
  media: "In how many bytes what a power cut would leave differs from memory.",
  cached: "Is the page in the page cache?",
};

// A place in a sentence: whose it is, who sets it, who clears it.
export function storyOf(lane: number): string { return STORIES[kindOf(lane)]; }

// The names before "PWD -> P--", as the terminal's stories have them.
function prefixOf(lane: number): string {
  switch (kindOf(lane)) {
    case "tlb": return `TLB core${lane - TLBS}`;
    case "pte": return lane === PTES ? "PTE" : `PTE ${lane - PTES}`;
    case "bh": return lane === BUFFERS ? "BH" : `BH ${lane - BUFFERS}`;
    case "pg": return "PG";
    case "tags": return "TAG";
    case "key": return "KEY";
    case "cached": return "page cache";
    default: return kindOf(lane);
  }
}

function letters(value: number, bits: [number, string][]): string {
  return bits.map(([bit, letter]) => (value & bit ? letter : "-")).join("");
}

const BITS: { [kind in Kind]?: [number, string][] } = {
  tlb: [[PRESENT, "P"], [WRITABLE, "W"], [DIRTY, "D"]],
  pte: [[PRESENT, "P"], [WRITABLE, "W"], [DIRTY, "D"]],
  pg: [[PG_LOCKED, "L"], [PG_DIRTY, "D"], [PG_WRITEBACK, "W"]],
  tags: [[TAG_DIRTY, "D"], [TAG_WRITEBACK, "W"], [TAG_TOWRITE, "T"]],
  bh: [[BH_DIRTY, "D"], [BH_LOCKED, "L"]],
  key: [[KEY_CHANGED, "C"], [KEY_REFERENCED, "R"]],
};

export function lettersOf(lane: number, value: number): string {
  const kind = kindOf(lane);
  const bits = BITS[kind];
  if (bits) return letters(value, bits);
  switch (kind) {
    case "inode": return value ? "dirty" : "clean";
    case "cached": return value ? "in" : "out";
    case "memory": return `v${value}`;
    default: return String(value);
  }
}

const BIT_WORDS: { [kind in Kind]?: [number, string][] } = {
  tlb: [[PRESENT, "present"], [WRITABLE, "writable"], [DIRTY, "dirty"]],
  pte: [[PRESENT, "present"], [WRITABLE, "writable"], [DIRTY, "dirty"]],
  pg: [[PG_LOCKED, "locked"], [PG_DIRTY, "dirty"], [PG_WRITEBACK, "under writeback"]],
  tags: [[TAG_DIRTY, "DIRTY"], [TAG_WRITEBACK, "WRITEBACK"], [TAG_TOWRITE, "TOWRITE"]],
  bh: [[BH_DIRTY, "dirty"], [BH_LOCKED, "locked"]],
  key: [[KEY_CHANGED, "changed"], [KEY_REFERENCED, "referenced"]],
};

export function meaningOf(lane: number, value: number): string {
  const kind = kindOf(lane);
  const words = BIT_WORDS[kind]?.filter(([bit]) => value & bit).map(([, word]) => word);
  if (words) {
    if (words.length) return words.join(", ");
    return kind === "tlb" ? "no entry" : kind === "pte" ? "not mapped" : kind === "tags" ? "no tag" : "clean";
  }
  switch (kind) {
    case "inode": return value ? "on the dirty list" : "not on the dirty list";
    case "memory": return `after ${plural(value, "store")}`;
    case "cached": return value ? "in the page cache" : "not in the page cache";
    default: return value === 0 ? "as memory" : value === 1 ? "byte behind" : "bytes behind";
  }
}

export function changeOf(lane: number, before: number, after: number): string {
  const kind = kindOf(lane);
  if (kind === "pg" && (before ^ after) === PG_UPTODATE) {
    return after & PG_UPTODATE ? "PG becomes up to date" : "PG is no longer up to date";
  }
  if (kind === "bh" && (before & 3) === (after & 3)) return after ? "buffer appears" : "buffer goes away";
  if (kind === "disk" || kind === "media") {
    return `${kind} ${count(before)} → ${count(after)} bytes behind`;
  }
  return `${prefixOf(lane)} ${lettersOf(lane, before)} → ${lettersOf(lane, after)}`;
}

// Does the value, anywhere but in a TLB, say that the page is yet to be written, or is being written?
export function says(lane: number, value: number): boolean {
  switch (kindOf(lane)) {
    case "pg": return (value & (PG_DIRTY | PG_WRITEBACK)) !== 0;
    case "pte": return (value & DIRTY) !== 0;
    case "key": return (value & KEY_CHANGED) !== 0;
    case "bh": return (value & (BH_DIRTY | BH_LOCKED)) !== 0;
    default: return false;
  }
}

const DIRT: { [kind in Kind]?: number } = {
  tlb: DIRTY, pte: DIRTY, pg: PG_DIRTY, tags: TAG_DIRTY, bh: BH_DIRTY, inode: 1, key: KEY_CHANGED,
};

export function changesDirtiness(lane: number, before: number, after: number): boolean {
  return ((before ^ after) & (DIRT[kindOf(lane)] ?? 0)) !== 0;
}

export type Fill = "none" | "outline" | "hatch" | "solid" | "stripes" | "both";
export interface Look { fill: Fill; locked: boolean }

// How a value is drawn: solid is dirty, hatched writable and clean, striped under writeback.
export function lookOf(lane: number, value: number): Look {
  switch (kindOf(lane)) {
    case "tlb":
    case "pte":
      return { fill: value & DIRTY ? "solid" : value & WRITABLE ? "hatch" : value & PRESENT ? "outline" : "none", locked: false };
    case "pg": {
      const dirty = value & PG_DIRTY, writeback = value & PG_WRITEBACK;
      return { fill: dirty && writeback ? "both" : dirty ? "solid" : writeback ? "stripes" : "none", locked: (value & PG_LOCKED) !== 0 };
    }
    case "tags": {
      const dirty = value & TAG_DIRTY, writeback = value & TAG_WRITEBACK;
      return { fill: dirty && writeback ? "both" : dirty ? "solid" : writeback ? "stripes" : value ? "hatch" : "none", locked: false };
    }
    case "bh":
      return { fill: value & BH_DIRTY ? "solid" : "none", locked: (value & BH_LOCKED) !== 0 };
    case "key":
      return { fill: value & KEY_CHANGED ? "solid" : value ? "outline" : "none", locked: false };
    default:
      return { fill: value ? "solid" : "none", locked: false };
  }
}

// The lane on which an event without a change is marked.
export function laneOfEvent(place: Exclude<Place, "none">, block: number, actor: Actor, cores: number): number {
  switch (place) {
    case "tlb": {
      const core = /^core(\d+)$/.exec(actor.where);
      return core && Number(core[1]) < cores ? TLBS + Number(core[1]) : PTES;
    }
    case "pte": return PTES;
    case "page": return PG;
    case "buffer": return BUFFERS + Math.max(0, block - 1);
    case "tag": return TAGS;
    case "inode": return INODE;
    case "disk": return DISK;
    case "memory": return MEMORY;
    case "key": return KEY;
  }
}
