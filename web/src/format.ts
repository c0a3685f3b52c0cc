// What mkclean puts into the page. The same words as in the C++ side's description of the format.

export const FORMAT = 1;

export type Place =
  | "tlb" | "pte" | "page" | "buffer" | "tag" | "inode" | "disk" | "memory" | "key" | "none";

export interface Actor { where: string; who: string }

export interface Site {
  name: string;
  place: Place;
  function: string;
  source: string;
  words: string;
  stores: boolean; // its events put bytes a..b into the page
}

export interface PageEntry {
  ino: number;
  page: number;
  steps: number;
  lost: number;
  lied: number;
  ptes: { process: string; va: string }[];
  why: string;
}

export interface Finding {
  kind: "lost" | "lie";
  page: number;
  offset: number;
  length: number;
  expected: string;
  found: string;
  stored_by: number;
  stored_ps: number;
  stored_event: number | null;
  dropped_event: number | null;
  found_ps: number;
}

export interface Counter {
  name: string;
  group: string;
  unit: string;
  words: string;
  t: number[];
  v: number[];
  limit?: boolean;
}

export interface Latency {
  name: string;
  words: string;
  count: number;
  min_ps: number;
  mean_ps: number;
  max_ps: number;
  p50_ps: number;
  p99_ps: number;
  buckets: [number, number, number][];
}

export interface Option { name: string; value: string; set: string; help: string }

export type Stat = number | string | boolean | null | Stat[] | { [name: string]: Stat };

export interface Verdict {
  lost_bytes: number;
  fsync_lies: number;
  stale_reads: number;
  invented_bytes: number;
  accounting_skew: number;
  livelocks: number;
  invariants_broken: number;
}

export interface Meta {
  format: number;
  tool: string;
  title: string;
  subtitle: string;
  command: string;
  period_ps: number;
  end_ps: number;
  ended: string;
  as_expected: boolean;
  verdict: Verdict;
  cores: number;
  block_size: number;
  page_size: number;
  actors: Actor[];
  sites: Site[];
  files: { ino: number; name: string; size: number }[];
  pages: PageEntry[];
  findings: Finding[];
  events: number;
  events_total: number;
  pages_total: number;
  counters: Counter[];
  latencies: Latency[];
  config: Option[];
  stats: { [name: string]: Stat };
}

export class UnreadableData extends Error {}

export function parseMeta(json: string): Meta {
  let meta: Meta;
  try {
    meta = JSON.parse(json) as Meta;
  } catch {
    throw new UnreadableData("The data in this file is damaged: its description is not JSON.");
  }
  if (meta.format !== FORMAT) {
    throw new UnreadableData(
      `The data in this file has format ${String(meta.format)}, and this page reads format ${FORMAT}. ` +
      "Make the report again with the mkclean that the page came with.");
  }
  return meta;
}
