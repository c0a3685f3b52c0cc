import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeEvents, pack } from "./encode.mjs";
import { modules as m } from "./modules.mjs";
import { ACTORS, SITES, metaOf, rtorrent, siteOf } from "./story.mjs";
import { randomFrom, randomRun } from "./synthetic.mjs";

const runOf = ({ meta, events }) => m.makeRun(meta, m.decodeEvents(encodeEvents(events)));
const lifeOf = (run, page = 0) => m.lifeOf(run, page);
const stateOf = (life, step) => Object.fromEntries([...m.stateAt(life, step)].map(([lane, value]) => [m.keyOf(lane), m.lettersOf(lane, value)]));
const stepNamed = (life, name, nth = 0) =>
  [...life.events].map((event, step) => [m.siteName(life.run, event), step]).filter(([site]) => site === name)[nth][1];

test("what is encoded is decoded", () => {
  const big = 2 ** 53 - 1;
  const events = [
    { t: 0, actor: 0, site: 1 },
    { t: 2 ** 40, actor: 300, site: 130, phase: 1, page: 70000, block: 7, a: big, b: 2 ** 32, cause: 0, changes: [[64 + 200, 7], [4, 2 ** 33]] },
    { t: big, actor: 1, site: 2, phase: 3, page: 0, cause: 1 },
  ];
  const got = m.decodeEvents(encodeEvents(events));
  assert.deepEqual([...got.time], [0, 2 ** 40, big]);
  assert.deepEqual([...got.actor], [0, 300, 1]);
  assert.deepEqual([...got.site], [1, 130, 2]);
  assert.deepEqual([...got.phase], [0, 1, 3]);
  assert.deepEqual([...got.page], [0, 70001, 1]);
  assert.deepEqual([...got.block], [0, 8, 0]);
  assert.deepEqual([...got.a], [0, big, 0]);
  assert.deepEqual([...got.b], [0, 2 ** 32, 0]);
  assert.deepEqual([...got.cause], [-1, 0, 1]);
  assert.deepEqual([...got.changeStart], [0, 0, 2, 2]);
  assert.deepEqual([...got.changeLane], [264, 4]);
  assert.deepEqual([...got.changeValue], [7, 2 ** 33]);
});

test("base64 and gzip are undone, with and without the browser's fromBase64", async () => {
  const { events } = rtorrent();
  const packed = pack(encodeEvents(events));
  assert.equal((await m.readEvents(packed)).count, events.length);
  const native = Uint8Array.fromBase64;
  Uint8Array.fromBase64 = undefined;
  assert.equal((await m.readEvents(packed)).count, events.length);
  if (native) Uint8Array.fromBase64 = native;
  else delete Uint8Array.fromBase64;
});

test("damaged data is said to be so", async () => {
  await assert.rejects(m.readEvents("%%%"), m.UnreadableData);
  await assert.rejects(m.readEvents("AAAA"), m.UnreadableData);
  const bytes = encodeEvents(rtorrent().events);
  for (const length of [1, 2, 10, bytes.length >> 1, bytes.length - 1]) {
    assert.throws(() => m.decodeEvents(bytes.slice(0, length)), m.UnreadableData, `cut to ${length}`);
  }
  assert.throws(() => m.parseMeta("{"), m.UnreadableData);
  assert.throws(() => m.parseMeta('{"format":2}'), /format 2/);
});

test("the lost store's page goes through the README's states", () => {
  const life = lifeOf(runOf(rtorrent()));
  const at = stepNamed(life, "page_mkclean");
  assert.deepEqual(m.changesOf(life, at).map(({ lane, before, after }) => m.changeOf(lane, before, after)), ["PTE PWD → P--"]);
  assert.deepEqual(stateOf(life, at - 1), {
    tlb0: "PWD", tlb1: "---", pte0: "PWD", pg: "L--", tags: "D--", bh0: "--", inode: "dirty", memory: "v2", disk: "892", media: "892",
  });
  assert.equal(stateOf(life, at).pte0, "P--");
  assert.equal(m.alarmAt(life, at - 1), "");
  assert.equal(m.alarmAt(life, at), "lost");
  assert.deepEqual(life.losses.map(({ stored, dropped }) => [stored, dropped]), [[stepNamed(life, "store", 1), at]]);
  assert.deepEqual(stateOf(life, -1).pte0, "---");
});

test("causes are steps of the page, or events that are not", () => {
  const life = lifeOf(runOf(rtorrent()));
  assert.equal(life.cause[stepNamed(life, "flush_tlb_others")], stepNamed(life, "page_mkclean"));
  assert.equal(life.cause[stepNamed(life, "submit_bh")], -2);
  assert.equal(life.cause[stepNamed(life, "lock_page")], -1);
});

test("spans nest, and say what they returned and when", () => {
  const run = runOf(rtorrent());
  const life = lifeOf(run);
  const clean = life.events[stepNamed(life, "page_mkclean")];
  assert.deepEqual(m.spansAround(run, clean).map(span => m.spanWords(run, span)), ["clear_page_dirty_for_io, which takes 720 cycles"]);
  const locked = life.events[stepNamed(life, "lock_buffer")];
  assert.match(m.spanWords(run, m.spansAround(run, locked)[0]), /^journal_commit_transaction, which takes/);
});

test("the byte map follows stores, the disk, and what is forgotten", () => {
  const life = lifeOf(runOf(rtorrent()));
  const index = m.indexBytes(life);
  const ranges = step => m.byteMap(life, index, step).ranges;
  assert.deepEqual(ranges(stepNamed(life, "store") - 1), []);
  assert.deepEqual(ranges(stepNamed(life, "store")), [{ from: 284, to: 1743, state: m.DIRTY_BYTE }]);
  assert.deepEqual(m.byteMap(life, index, stepNamed(life, "disk_first_beat")).reading, [{ from: 0, to: 4095 }]);
  assert.deepEqual(m.byteMap(life, index, stepNamed(life, "disk_last_beat")).reading, []);
  assert.deepEqual(ranges(stepNamed(life, "disk_last_beat")), [{ from: 284, to: 1743, state: m.DIRTY_BYTE }]);
  assert.deepEqual(ranges(stepNamed(life, "disk_in_cache")), []);
  assert.deepEqual(ranges(stepNamed(life, "store", 1)), [{ from: 3204, to: 4095, state: m.DIRTY_BYTE }]);
  assert.deepEqual(ranges(stepNamed(life, "page_mkclean")), [{ from: 3204, to: 4095, state: m.LOST }]);
});

test("a store while the disk reads the block is torn; one whose dirt nobody knows is doomed", () => {
  const site = siteOf;
  const page = 0, block = 0;
  const events = [
    { t: 1, actor: 0, site: site("set_pte"), page, changes: [[16, 7]] },
    { t: 2, actor: 0, site: site("store"), page, a: 0, b: 9, changes: [[7, 1], [4, 10]] },
    { t: 3, actor: 4, site: site("disk_first_beat"), page, block },
    { t: 4, actor: 0, site: site("store"), page, a: 5, b: 14, changes: [[7, 2], [4, 15]] },
    { t: 5, actor: 4, site: site("disk_last_beat"), page, block },
    { t: 6, actor: 0, site: site("store"), page, a: 20, b: 29, changes: [[7, 3], [4, 25]] },
    { t: 7, actor: 4, site: site("disk_in_cache"), page, block, changes: [[4, 15]] },
    { t: 8, actor: 2, site: site("page_mkclean"), page, changes: [[16, 1]] },
  ];
  const life = lifeOf(runOf({ events, meta: metaOf({ title: "torn", events: events.length, actors: ACTORS, pages: [{ ino: 1, page: 0, steps: 8, lost: 0, lied: 0, ptes: [], why: "" }] }) }));
  const index = m.indexBytes(life);
  assert.deepEqual(m.byteMap(life, index, 6).ranges, [{ from: 5, to: 14, state: m.TORN }, { from: 20, to: 29, state: m.DIRTY_BYTE }]);
  assert.deepEqual(m.byteMap(life, index, 7).ranges, [{ from: 5, to: 14, state: m.TORN }, { from: 20, to: 29, state: m.DOOMED }]);
  assert.equal(m.alarmAt(life, 7), "unsaid");
});

test("the byte map is what a byte by byte replay says", () => {
  const run = runOf(randomRun(6000, { pages: 3, seed: 5 }));
  for (const page of [0, 1, 2]) {
    const life = lifeOf(run, page), index = m.indexBytes(life);
    const stored = new Int32Array(4096).fill(-1);
    let first = -1, last = -1, reading = -1, beat = -1;
    for (let step = 0; step < life.count; ++step) {
      const event = life.events[step], name = SITES[run.events.site[event]].name;
      if (name === "store") stored.fill(step, run.events.a[event], run.events.b[event] + 1);
      if (name === "disk_first_beat") reading = step;
      if (name === "disk_last_beat") beat = step;
      if (name === "disk_in_cache") [first, last] = [reading, beat];
      if (step % 37 && step !== life.count - 1) continue;
      const { state } = m.byteMap(life, index, step);
      const doomed = m.unsaidAt(life, step) ? m.DOOMED : m.DIRTY_BYTE;
      stored.forEach((at, byte) => {
        const expected = at < 0 ? m.SAME : last < 0 || at > last ? doomed : at > first ? m.TORN : m.SAME;
        if (state[byte] !== expected) assert.equal(state[byte], expected, `page ${page} step ${step} byte ${byte}`);
      });
    }
  }
});

test("going back gives the states that there were: thousands of steps of seeded lives", () => {
  let looked = 0;
  for (let seed = 1; seed <= 6; ++seed) {
    const run = runOf(randomRun(4000, { pages: 4, seed }));
    for (let page = 0; page < 4; ++page) {
      const life = lifeOf(run, page);
      const replayed = new Map(life.shown.map(lane => [lane, 0]));
      const forwards = [];
      for (let step = 0; step < life.count; ++step) {
        const event = life.events[step];
        for (let i = run.events.changeStart[event]; i < run.events.changeStart[event + 1]; ++i) replayed.set(run.events.changeLane[i], run.events.changeValue[i]);
        forwards.push(JSON.stringify([...m.stateAt(life, step)]));
        assert.equal(forwards[step], JSON.stringify(life.shown.map(lane => [lane, replayed.get(lane)])));
        for (const { lane, before, after } of m.changesOf(life, step)) {
          assert.equal(before, m.valueAt(life.lanes.get(lane), step - 1));
          assert.equal(after, replayed.get(lane));
        }
        ++looked;
      }
      for (let step = life.count - 1; step >= 0; --step) assert.equal(JSON.stringify([...m.stateAt(life, step)]), forwards[step]);
      const random = randomFrom(seed);
      for (let n = 0; n < 200; ++n) {
        const step = random(life.count);
        assert.equal(JSON.stringify([...m.stateAt(life, step)]), forwards[step]);
      }
    }
  }
  assert.ok(looked > 20000, `${looked} steps`);
});

test("two runs' steps are merged by time, hand in hand until they part", () => {
  const lives = [lifeOf(runOf(rtorrent())), lifeOf(runOf(rtorrent({ fixed: true })))];
  const merged = m.merge(lives);
  const common = [...lives[0].events].filter((event, step) => m.acts(merged, 1, merged.place[0][step])).length;
  assert.ok(common >= stepNamed(lives[0], "TestClearPageDirty"));
  assert.equal(merged.count, lives[0].count + lives[1].count - common);
  let before = 0;
  for (let place = 0; place < merged.count; ++place) {
    const r = merged.run[place], step = merged.step[place];
    assert.ok(lives[r].time[step] >= before);
    before = lives[r].time[step];
    assert.equal(merged.place[r][step], place);
    assert.equal(merged.stepOf[r][place], step);
  }
});

test("words and numbers", () => {
  assert.equal(m.duration(0), "0");
  assert.equal(m.duration(1500), "1.5 ns");
  assert.equal(m.duration(31e12), "31 s");
  assert.equal(m.instant(12396394586300), "12.396394586 s");
  const run = runOf(rtorrent());
  assert.equal(m.findingWords(run, run.meta.findings[0]),
    "inode 1 page 1, bytes 3204..4095: rtorrent stored a7… at cycle 23,520,567,964; after page_mkclean by pdflush at " +
    "cycle 24,792,789,173 nothing knew that the page was dirty; the disk has 00.");
  const verdict = { lost_bytes: 0, fsync_lies: 0, stale_reads: 0, invented_bytes: 0, accounting_skew: 0, livelocks: 0, invariants_broken: 0 };
  assert.equal(m.verdictWords(verdict), "Nothing was lost");
  assert.equal(m.verdictWords({ ...verdict, lost_bytes: 616180 }), "616,180 bytes were lost");
  assert.equal(m.verdictWords({ ...verdict, lost_bytes: 1 }), "1 byte was lost");
  assert.equal(m.verdictWords({ ...verdict, fsync_lies: 2 }), "No byte was lost, but 2 bytes that a sync had promised were not durable");
});

test("the picker's filter", () => {
  const entry = { key: "1:70", ino: 1, page: 70, worst: 0, entries: [{ why: "892 bytes lost" }] };
  assert.ok(m.matches(entry, "ino 1 page 70"));
  assert.ok(!m.matches(entry, "page 7"));
  assert.ok(!m.matches(entry, "ino 2"));
  assert.ok(m.matches(entry, "LOST"));
  assert.ok(m.matches(entry, " "));
});

test("series on one axis hold their values", () => {
  const { t, v } = m.align([{ t: [0, 10], v: [1, 2] }, { t: [5], v: [7] }], 20);
  assert.deepEqual(t, [0, 5, 10, 20]);
  assert.deepEqual(v, [[1, 1, 2, 2], [null, 7, 7, 7]]);
});
