// Many events of many pages, made from a seed: what a long run may look like.
import { metaOf, siteOf, SITES } from "./story.mjs";

export function randomFrom(seed) {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PG = 0, TAG = 1, BEHIND = 4, VERSION = 7, BH = 8, PTE = 16, TLB = 64;
const S = Object.fromEntries(SITES.map(({ name }) => [name, siteOf(name)]));

function makePage() {
  return { version: 0, behind: 0, pte: 0, pg: 8, tag: 0, bh: 4, tlb: [0, 0, 0, 0], since: 0 };
}

// Plausible, not exact: a store to a page that is clean faults first; now and then a page is written.
export function* randomEvents(count, { pages = 2000, cores = 4, seed = 1, hot = 0, burst = 24 } = {}) {
  const random = randomFrom(seed);
  const all = Array.from({ length: pages }, makePage);
  const writing = [];
  let t = 1000000, n = 0;
  const event = (actor, site, page, more) => {
    t += site === S["store"] ? 20000 : 500 * (1 + random(400));
    ++n;
    return { t, actor, site, page, ...more };
  };
  while (n < count) {
    const p = hot && random(100) < hot ? 0 : random(pages), page = all[p];
    const core = random(cores), what = random(1000);
    if (what < 20 && writing.length < 64 && page.pg & 2 && !(page.pg & 4)) {
      page.pg = 9;
      yield event(cores, S["TestClearPageDirty"], p, { changes: [[PG, 9]] });
      page.pte = 1;
      yield event(cores, S["page_mkclean"], p, { cause: n - 1, changes: [[PTE, 1]] });
      const held = page.tlb.flatMap((entry, c) => entry ? [[TLB + c, 0]] : []);
      page.tlb.fill(0);
      yield event(cores, S["flush_tlb_others"], p, { cause: n - 1, a: held.length, b: 0, changes: held });
      page.pg = 12;
      yield event(cores, S["set_page_writeback"], p, { changes: [[PG, 12]] });
      page.tag = 2;
      yield event(cores, S["set TAG_WRITEBACK"], p, { changes: [[TAG, 2]] });
      page.bh = 6;
      yield event(cores, S["submit_bh"], p, { block: 0, a: 8 * p, b: 1, changes: [[BH, 6]] });
      writing.push({ p, submit: n - 1 });
      continue;
    }
    if (writing.length && what < 40) {
      const { p, submit } = writing.shift(), page = all[p];
      yield event(cores + 1, S["disk_first_beat"], p, { block: 0, a: 8 * p, b: 8, cause: submit });
      yield event(cores + 1, S["disk_last_beat"], p, { block: 0, a: 8 * p, b: 8, cause: n - 1 });
      const changes = page.behind ? [[BEHIND, 0]] : [];
      page.behind = 0;
      yield event(cores + 1, S["disk_in_cache"], p, { block: 0, a: 8 * p, b: 8, cause: n - 1, changes });
      page.bh = page.bh & 1 ? 5 : 4;
      yield event(core, S["end_io"], p, { block: 0, b: 1, cause: n - 1, changes: [[BH, page.bh]] });
      page.pg &= ~4;
      yield event(core, S["end_page_writeback"], p, { cause: n - 1, changes: [[PG, page.pg]] });
      continue;
    }
    if (!(page.pte & 4)) {
      page.pte = 7;
      yield event(core, S["page fault"], p, {});
      yield event(core, S["set_pte"], p, { cause: n - 1, changes: [[PTE, 7]] });
      page.pg |= 2;
      page.bh |= 1;
      page.tag |= 1;
      yield event(core, S["TestSetPageDirty"], p, { cause: n - 1, changes: [[PG, page.pg], [BH, page.bh]] });
      yield event(core, S["set TAG_DIRTY"], p, { cause: n - 1, changes: [[TAG, page.tag]] });
    }
    if (!page.tlb[core]) {
      page.tlb[core] = 7;
      yield event(core, S["TLB fill"], p, { changes: [[TLB + core, 7]] });
    }
    // A program goes through a page in words, at its own pace.
    const width = 8 << random(3);
    let from = random(4096 / width) * width;
    for (let left = 1 + random(burst); left > 0 && from < 4096; --left, from += width) {
      page.behind = Math.min(4096, page.behind + width);
      yield event(core, S["store"], p, { a: from, b: from + width - 1, changes: [[VERSION, ++page.version], [BEHIND, page.behind]] });
    }
  }
}

export function randomRun(count, options = {}) {
  const { pages = 2000, cores = 4 } = options;
  const events = [];
  for (const event of randomEvents(count, options)) if (events.push(event) >= count) break;
  const steps = new Uint32Array(pages);
  for (const { page } of events) ++steps[page];
  return {
    events,
    meta: metaOf({
      title: `random.cfg, ${count} events`, cores, events: events.length, end_ps: events.at(-1).t + 1,
      events_total: 3 * events.length, pages_total: pages + 1000,
      actors: [...Array.from({ length: cores }, (_, c) => ({ where: `core${c}`, who: `writer${c}` })),
        { where: "core0", who: "pdflush" }, { where: "disk", who: "interface" }],
      pages: Array.from({ length: pages }, (_, p) => ({
        ino: 1 + (p % 7), page: p, steps: steps[p], lost: 0, lied: 0, ptes: [{ process: "writer", va: `0x${(0x7f0000000000 + p * 4096).toString(16)}` }], why: "many steps",
      })),
    }),
  };
}

