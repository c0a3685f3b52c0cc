import { ALSO, BEGIN, END } from "./decode";
import type { Finding, Meta, PageEntry, Verdict } from "./format";
import { type Life, changesOf } from "./history";
import { INODE, changeOf } from "./lanes";
import { count, plural } from "./numbers";
import type { Run } from "./run";

export const cyclesOf = (meta: Meta, ps: number): number => Math.round(ps / meta.period_ps);

export const pageName = (page: { ino: number; page: number }): string => `ino ${page.ino} page ${page.page}`;

export function actorName(run: Run, event: number): string {
  const actor = run.meta.actors[run.events.actor[event]!];
  return actor ? `${actor.who} on ${actor.where}` : "somebody";
}

export function siteName(run: Run, event: number): string {
  const name = run.meta.sites[run.events.site[event]!]?.name ?? "?";
  switch (run.events.phase[event]) {
    case BEGIN: return `${name} begins`;
    case END: return `${name} ends`;
    case ALSO: return `${name} (of this page too)`;
    default: return name;
  }
}

export function spanWords(run: Run, begin: number): string {
  const name = run.meta.sites[run.events.site[begin]!]?.name ?? "?";
  const end = run.partner[begin]!;
  if (end < 0) return `${name}, which does not return`;
  const took = run.events.time[end]! - run.events.time[begin]!;
  const cycles = plural(cyclesOf(run.meta, took), "cycle");
  return run.events.a[end] ? `${name}, which fails after ${cycles} (error ${run.events.a[end]})` : `${name}, which takes ${cycles}`;
}

// What an event's two numbers say.
export function argumentWords(run: Run, event: number): string {
  const site = run.meta.sites[run.events.site[event]!];
  const name = site?.name ?? "";
  const a = run.events.a[event]!, b = run.events.b[event]!;
  if (run.events.phase[event] === BEGIN) return "";
  if (run.events.phase[event] === END) {
    const begin = run.partner[event]!;
    const took = begin < 0 ? "" : ` after ${plural(cyclesOf(run.meta, run.events.time[event]! - run.events.time[begin]!), "cycle")}`;
    return `${a ? `error ${a}` : "ends"}${took}`;
  }
  if (site?.stores) return `bytes ${a}..${b}`;
  if (name === "submit_bh") return `${b ? "write from" : "read from"} sector ${count(a)}`;
  if (name === "end_io") return b ? "done" : "failed";
  if (name.startsWith("disk_")) return b ? `sector ${count(a)}, ${plural(b, "sector")}` : `sector ${count(a)}`;
  if (name.startsWith("flush_tlb")) return `${count(a)} → ${plural(b, "core")} still to acknowledge`;
  return "";
}

// One line of the kind that the terminal prints: "PTE PWD → P--", or what the event's numbers say.
export function effectWords(life: Life, step: number): string {
  const event = life.events[step]!;
  const place = life.run.meta.sites[life.run.events.site[event]!]?.place;
  // The inode is all pages': what became of it since this page was looked at last, others have done.
  const since = (lane: number): string => lane === INODE && place !== "inode" ? "meanwhile " : "";
  return [argumentWords(life.run, event), ...changesOf(life, step).map(({ lane, before, after }) => since(lane) + changeOf(lane, before, after))]
    .filter(Boolean).join("; ");
}

export function verdictWords(verdict: Verdict): string {
  const said: string[] = [];
  if (verdict.lost_bytes) said.push(`${plural(verdict.lost_bytes, "byte")} ${verdict.lost_bytes === 1 ? "was" : "were"} lost`);
  if (verdict.fsync_lies) said.push(`${plural(verdict.fsync_lies, "byte")} that a sync had promised ${verdict.fsync_lies === 1 ? "was" : "were"} not durable`);
  if (verdict.stale_reads) said.push(`${plural(verdict.stale_reads, "byte")} that ${verdict.stale_reads === 1 ? "was" : "were"} read had an old value`);
  if (verdict.invented_bytes) said.push(`${plural(verdict.invented_bytes, "byte")} on the disk ${verdict.invented_bytes === 1 ? "was" : "were"} never stored`);
  if (verdict.accounting_skew) said.push("nr_dirty was not the number of dirty pages");
  if (verdict.livelocks) said.push(`somebody never came to an end ${times(verdict.livelocks)}`);
  if (!verdict.lost_bytes) said.unshift(said.length ? "No byte was lost, but" : "Nothing was lost");
  const sentence = said.length > 1 && !verdict.lost_bytes ? `${said[0]} ${said.slice(1).join(", ")}` : said.join(", ");
  const broken = verdict.invariants_broken ? `; an invariant was broken ${times(verdict.invariants_broken)}` : "";
  return `${sentence}${broken}`;
}

const times = (n: number): string => n === 1 ? "once" : n === 2 ? "twice" : `${count(n)} times`;

// The first thing that went wrong, told in one sentence. Null: it is not about a page in this file.
export function findingWords(run: Run, finding: Finding): string {
  const { meta } = run;
  const page = meta.pages[finding.page];
  const who = meta.actors[finding.stored_by]?.who ?? "somebody";
  const cycle = (ps: number) => `cycle ${count(cyclesOf(meta, ps))}`;
  const what = page ? `${fileName(meta, page)} page ${page.page}, ` : "";
  const stored = `${what}bytes ${finding.offset}..${finding.offset + finding.length - 1}: ` +
    `${who} stored ${finding.expected}… at ${cycle(finding.stored_ps)}`;
  const dropped = finding.dropped_event;
  const forgotten = dropped === null ? "" :
    `; after ${run.meta.sites[run.events.site[dropped]!]?.name ?? "a step"} by ` +
    `${run.meta.actors[run.events.actor[dropped]!]?.who ?? "somebody"} at ${cycle(run.events.time[dropped]!)} ` +
    "nothing knew that the page was dirty";
  const end = finding.kind === "lost" ? `; the disk has ${finding.found}.`
    : `; a sync returned 0 at ${cycle(finding.found_ps)}, and after a power cut the disk would have had ${finding.found}.`;
  return stored + forgotten + end;
}

function fileName(meta: Meta, page: PageEntry): string {
  const file = meta.files.find(({ ino }) => ino === page.ino);
  return file?.name ? `${file.name} (inode ${page.ino})` : `inode ${page.ino}`;
}

export function leftOut(meta: Meta): string {
  if (meta.events >= meta.events_total && meta.pages.length >= meta.pages_total) return "";
  return `This file holds ${count(meta.events)} of ${plural(meta.events_total, "event")}: the whole lives of ` +
    `${count(meta.pages.length)} of ${plural(meta.pages_total, "page")}, the most interesting ones. ` +
    "--report-events raises that; --log has all.";
}
