import { ALSO, BEGIN, END, type Events } from "./decode";
import type { Meta } from "./format";

// One run of the emulator, and what is looked up in it again and again.
export interface Run {
  meta: Meta;
  events: Events;
  byPage: Uint32Array;      // events' numbers, page after page
  pageStart: Uint32Array;   // pages + 1
  inside: Int32Array;       // the innermost span that an event is in (its beginning), or -1
  around: Int32Array;       // of a span's beginning: the span around it, or -1
  partner: Int32Array;      // of a span's beginning its end, and the other way round, or -1
}

export function makeRun(meta: Meta, events: Events): Run {
  return { meta, events, ...sortByPage(meta.pages.length, events), ...nestSpans(meta.actors.length, events) };
}

export function eventsOfPage(run: Run, page: number): Uint32Array {
  return run.byPage.subarray(run.pageStart[page], run.pageStart[page + 1]);
}

export function pageNumber(run: Run, ino: number, page: number): number {
  return run.meta.pages.findIndex(entry => entry.ino === ino && entry.page === page);
}

function sortByPage(pages: number, events: Events): Pick<Run, "byPage" | "pageStart"> {
  const pageStart = new Uint32Array(pages + 1);
  for (let i = 0; i < events.count; ++i) {
    const page = events.page[i]!;
    if (page > 0 && page <= pages) ++pageStart[page]!;
  }
  for (let p = 0; p < pages; ++p) pageStart[p + 1]! += pageStart[p]!;
  const next = pageStart.slice(0, pages);
  const byPage = new Uint32Array(pageStart[pages]!);
  for (let i = 0; i < events.count; ++i) {
    const page = events.page[i]!;
    if (page > 0 && page <= pages) byPage[next[page - 1]!++] = i;
  }
  return { byPage, pageStart };
}

function nestSpans(actors: number, events: Events): Pick<Run, "inside" | "around" | "partner"> {
  const inside = new Int32Array(events.count).fill(-1);
  const partner = new Int32Array(events.count).fill(-1);
  const innermost = new Int32Array(actors).fill(-1);
  const around = new Int32Array(events.count).fill(-1);
  for (let i = 0; i < events.count; ++i) {
    const actor = events.actor[i]!;
    const span = innermost[actor] ?? -1;
    switch (events.phase[i]) {
      case BEGIN:
        around[i] = span;
        inside[i] = i;
        innermost[actor] = i;
        break;
      case END:
        if (span >= 0 && events.site[span] === events.site[i]) {
          partner[i] = span;
          partner[span] = i;
          innermost[actor] = around[span]!;
        }
        inside[i] = span;
        break;
      case ALSO:
        inside[i] = i > 0 ? inside[i - 1]! : -1;
        break;
      default:
        inside[i] = span;
    }
  }
  return { inside, around, partner };
}

// The spans that an event is in, outermost first.
export function spansAround(run: Run, event: number): number[] {
  const chain: number[] = [];
  for (let span = run.inside[event]!; span >= 0; span = run.around[span]!) chain.unshift(span);
  return chain;
}
