// The lost bytes of 2006 in small, step by step as in the README, and the same with 2.6.20's fix.

export const SITES = [
  ["page fault", "pte", "handle_pte_fault()", "mm/memory.c, Linux 2.6.19", "the processor asks the kernel: the PTE does not let it"],
  ["set_pte", "pte", "do_wp_page()", "mm/memory.c, Linux 2.6.19", "the fault makes the PTE writable and dirty"],
  ["page_mkclean", "pte", "page_mkclean_one()", "mm/rmap.c, Linux 2.6.19 (d08b3851da41)", "writeback takes D and W out of the PTE, and reads what it found there"],
  ["TLB fill", "tlb", "", "", "the walker puts the PTE into the core's TLB"],
  ["TLB evict", "tlb", "", "", "the TLB needs the room"],
  ["invlpg", "tlb", "__flush_tlb_one()", "include/asm-i386/tlbflush.h", "the core's own entry goes"],
  ["lock_page", "page", "lock_page()", "include/linux/pagemap.h", ""],
  ["unlock_page", "page", "unlock_page()", "mm/filemap.c", ""],
  ["TestSetPageDirty", "page", "__set_page_dirty_buffers()", "fs/buffer.c, Linux 2.6.19", "the page's own bit"],
  ["TestClearPageDirty", "page", "test_clear_page_dirty()", "mm/page-writeback.c, Linux 2.6.19", "who writes the page takes its dirty bit"],
  ["set_page_writeback", "page", "test_set_page_writeback()", "mm/page-writeback.c", ""],
  ["end_page_writeback", "page", "end_page_writeback()", "mm/filemap.c", ""],
  ["set TAG_DIRTY", "tag", "", "mm/page-writeback.c", "a sync will find the page"],
  ["clear TAG_DIRTY", "tag", "", "mm/page-writeback.c", ""],
  ["set TAG_WRITEBACK", "tag", "", "mm/page-writeback.c", ""],
  ["clear TAG_WRITEBACK", "tag", "", "mm/page-writeback.c", ""],
  ["set_buffer_dirty", "buffer", "__set_page_dirty_buffers()", "fs/buffer.c", "every block of the page"],
  ["test_clear_buffer_dirty", "buffer", "ll_rw_block()", "fs/buffer.c", "who writes the block takes its dirty bit"],
  ["lock_buffer", "buffer", "lock_buffer()", "include/linux/buffer_head.h", ""],
  ["unlock_buffer", "buffer", "unlock_buffer()", "fs/buffer.c", ""],
  ["submit_bh", "disk", "submit_bh()", "fs/buffer.c", "the block goes to the disk"],
  ["end_io", "disk", "end_buffer_write_sync()", "fs/buffer.c", ""],
  ["no IO underway", "page", "__block_write_full_page()", "fs/buffer.c, Linux 2.6.19", "no buffer of the page was dirty: nothing is written"],
  ["disk_first_beat", "disk", "", "", "the DMA begins to read memory"],
  ["disk_last_beat", "disk", "", "", "the DMA has read memory"],
  ["disk_in_cache", "disk", "", "", "the disk would read it back"],
  ["disk_on_media", "disk", "", "", "it would outlive a power cut"],
  ["__mark_inode_dirty", "inode", "__mark_inode_dirty()", "fs/fs-writeback.c", ""],
  ["dec nr_dirty", "none", "", "", ""],
  ["store", "memory", "", "", "the program's bytes reach memory"],
  ["add_to_page_cache", "page", "add_to_page_cache()", "mm/filemap.c", ""],
  ["clear_page_dirty_for_io", "none", "clear_page_dirty_for_io()", "mm/page-writeback.c", ""],
  ["handle_mm_fault", "none", "__handle_mm_fault()", "mm/memory.c", ""],
  ["journal_commit_transaction", "none", "journal_commit_transaction()", "fs/jbd/commit.c", ""],
  ["msync", "none", "sys_msync()", "mm/msync.c", ""],
  ["flush_tlb_others", "tlb", "flush_tlb_others()", "arch/i386/kernel/smp.c", "the other cores are interrupted"],
  ["flush_tlb_func ack", "tlb", "smp_invalidate_interrupt()", "arch/i386/kernel/smp.c", ""],
].map(([name, place, fn, source, words]) => ({
  name, place, function: fn, source, words, stores: name === "store" }));

export const siteOf = name => {
  const number = SITES.findIndex(site => site.name === name);
  if (number < 0) throw new Error(`no site ${name}`);
  return number;
};

export const ACTORS = [
  { where: "core0", who: "rtorrent" }, { where: "core0", who: "kjournald" }, { where: "core1", who: "pdflush" },
  { where: "core0", who: "idle" }, { where: "disk", who: "interface" },
];
const [RTORRENT, KJOURNALD, PDFLUSH, IDLE, DISK] = [0, 1, 2, 3, 4];

const PERIOD = 500;
const ps = cycle => cycle * PERIOD;

// A teller of events: tell(cycle, actor, site, {...}) gives the event's number.
export function teller() {
  const events = [];
  const tell = (cycle, actor, site, more = {}) => {
    events.push({ t: ps(cycle), actor, site: siteOf(site), ...more });
    return events.length - 1;
  };
  return { events, tell };
}

const PG = 0, TAG = 1, INODE = 2, BEHIND = 4, CACHED = 5, MEDIA = 6, VERSION = 7, BH = 8, PTE = 16, TLB = 64;

export function rtorrent({ fixed = false } = {}) {
  const { events, tell } = teller();
  const page = 0, block = 0;
  const on = (changes, more = {}) => ({ page, changes, ...more });
  const buffer = (changes, more = {}) => ({ page, block, changes, ...more });
  tell(18507000000, RTORRENT, "add_to_page_cache", on([[CACHED, 1], [PG, 8]]));
  tell(18507747200, RTORRENT, "handle_mm_fault", { phase: 1, page });
  const fault = tell(18507747231, RTORRENT, "page fault", on([[PTE, 1]], { a: 0, b: 1 }));
  tell(18507747271, RTORRENT, "set_pte", on([[PTE, 7]], { cause: fault }));
  tell(18507747311, RTORRENT, "set_buffer_dirty", buffer([[BH, 5]], { cause: fault }));
  const dirtied = tell(18507747331, RTORRENT, "TestSetPageDirty", on([[PG, 10]], { cause: fault }));
  tell(18507747501, RTORRENT, "set TAG_DIRTY", on([[TAG, 1]], { cause: dirtied }));
  tell(18507747601, RTORRENT, "__mark_inode_dirty", on([[INODE, 1]], { cause: dirtied }));
  tell(18507747651, RTORRENT, "handle_mm_fault", { phase: 2, page });
  const fill = tell(18507747751, RTORRENT, "TLB fill", on([[TLB, 7]]));
  tell(18507747751, RTORRENT, "store", on([[VERSION, 1], [BEHIND, 1460], [MEDIA, 1460]], { a: 284, b: 1743, cause: fill }));
  tell(19000000000, RTORRENT, "TLB evict", on([[TLB, 0]]));
  const commit = tell(21184800000, KJOURNALD, "journal_commit_transaction", { phase: 1 });
  tell(21184810161, KJOURNALD, "lock_buffer", buffer([[BH, 7]]));
  tell(21184810181, KJOURNALD, "test_clear_buffer_dirty", buffer([[BH, 6]]));
  const submit = tell(21578806641, KJOURNALD, "submit_bh", buffer([], { a: 8776, b: 1, cause: commit }));
  const beat = tell(21700000000, DISK, "disk_first_beat", buffer([], { a: 8776, b: 8, cause: submit }));
  tell(21700120000, DISK, "disk_last_beat", buffer([], { a: 8776, b: 8, cause: beat }));
  const cached = tell(21700130000, DISK, "disk_in_cache", buffer([[BEHIND, 0]], { a: 8776, b: 8, cause: beat }));
  const media = tell(22583000000, DISK, "disk_on_media", buffer([[MEDIA, 0]], { a: 8776, b: 8, cause: cached }));
  const end = tell(22583228072, IDLE, "end_io", buffer([], { b: 1, cause: media }));
  tell(22583228092, IDLE, "unlock_buffer", buffer([[BH, 4]], { cause: end }));
  tell(22583300000, KJOURNALD, "journal_commit_transaction", { phase: 2 });
  const refill = tell(23520567964, RTORRENT, "TLB fill", on([[TLB, 7]]));
  const lost = tell(23520567964, RTORRENT, "store", on([[VERSION, 2], [BEHIND, 892], [MEDIA, 892]], { a: 3204, b: 4095, cause: refill }));
  tell(24792788973, PDFLUSH, "lock_page", on([[PG, 11]]));
  const span = { page };
  tell(24792788980, PDFLUSH, "clear_page_dirty_for_io", { phase: 1, ...span });
  let dropped = null, io;
  if (fixed) {
    const clean = tell(24792789173, PDFLUSH, "page_mkclean", on([[PTE, 1]]));
    const flush = tell(24792789200, PDFLUSH, "flush_tlb_others", on([], { a: 1, b: 1, cause: clean }));
    tell(24792789600, RTORRENT, "flush_tlb_func ack", on([[TLB, 0]], { a: 1, b: 0, cause: flush }));
    const again = tell(24792789700, PDFLUSH, "TestSetPageDirty", on([], { cause: clean }));
    tell(24792789720, PDFLUSH, "set_buffer_dirty", buffer([[BH, 5]], { cause: again }));
    io = tell(24792789740, PDFLUSH, "TestClearPageDirty", on([[PG, 9]]));
    tell(24792789800, PDFLUSH, "clear_page_dirty_for_io", { phase: 2, a: 0, ...span });
  } else {
    io = tell(24792788993, PDFLUSH, "TestClearPageDirty", on([[PG, 9]]));
    dropped = tell(24792789173, PDFLUSH, "page_mkclean", on([[PTE, 1]]));
    const flush = tell(24792789200, PDFLUSH, "flush_tlb_others", on([], { a: 1, b: 1, cause: dropped }));
    tell(24792789600, RTORRENT, "flush_tlb_func ack", on([[TLB, 0]], { a: 1, b: 0, cause: flush }));
    tell(24792789700, PDFLUSH, "clear_page_dirty_for_io", { phase: 2, a: 0, ...span });
  }
  tell(24792791873, PDFLUSH, "dec nr_dirty", on([], { cause: io }));
  tell(24792791953, PDFLUSH, "lock_buffer", buffer([[BH, fixed ? 7 : 6]]));
  tell(24792791973, PDFLUSH, "test_clear_buffer_dirty", buffer(fixed ? [[BH, 6]] : []));
  if (!fixed) tell(24792791993, PDFLUSH, "unlock_buffer", buffer([[BH, 4]]));
  tell(24792792033, PDFLUSH, "set_page_writeback", on([[PG, 13]]));
  tell(24792792183, PDFLUSH, "set TAG_WRITEBACK", on([[TAG, 3]]));
  tell(24792792333, PDFLUSH, "clear TAG_DIRTY", on([[TAG, 2]]));
  tell(24792792353, PDFLUSH, "unlock_page", on([[PG, 12]]));
  if (fixed) {
    const write = tell(24792792400, PDFLUSH, "submit_bh", buffer([], { a: 8776, b: 1, cause: io }));
    const first = tell(24800000000, DISK, "disk_first_beat", buffer([], { a: 8776, b: 8, cause: write }));
    tell(24800120000, DISK, "disk_last_beat", buffer([], { a: 8776, b: 8, cause: first }));
    const in_cache = tell(24800130000, DISK, "disk_in_cache", buffer([[BEHIND, 0]], { a: 8776, b: 8, cause: first }));
    const on_media = tell(25683000000, DISK, "disk_on_media", buffer([[MEDIA, 0]], { a: 8776, b: 8, cause: in_cache }));
    const done = tell(25683228072, IDLE, "end_io", buffer([], { b: 1, cause: on_media }));
    tell(25683228092, IDLE, "unlock_buffer", buffer([[BH, 4]], { cause: done }));
    tell(25683228102, IDLE, "end_page_writeback", on([[PG, 8]], { cause: done }));
    tell(25683228152, IDLE, "clear TAG_WRITEBACK", on([[TAG, 0]]));
  } else {
    tell(24792792353, PDFLUSH, "no IO underway", on([]));
    tell(24792792393, PDFLUSH, "end_page_writeback", on([[PG, 8]]));
    tell(24792792543, PDFLUSH, "clear TAG_WRITEBACK", on([[TAG, 0]]));
  }
  // A second page, that nothing happens to.
  const other = { page: 1 };
  tell(26000000000, RTORRENT, "add_to_page_cache", { ...other, changes: [[CACHED, 1], [PG, 8]] });
  tell(26000000100, RTORRENT, "page fault", { ...other, changes: [[PTE, 1]] });
  const steps = n => events.filter(event => event.page === n).length;
  const findings = fixed ? [] : [{
    kind: "lost", page: 0, offset: 3204, length: 892, expected: "a7", found: "00", stored_by: RTORRENT,
    stored_ps: ps(23520567964), stored_event: lost, dropped_event: dropped, found_ps: ps(61000000000),
  }];
  return {
    events,
    meta: metaOf({
      title: fixed ? "rtorrent-2006.cfg, 2.6.20" : "rtorrent-2006.cfg",
      subtitle: `linux-2.6.${fixed ? 20 : 19}, ext3 ordered`,
      lost: fixed ? 0 : 616180, findings, events: events.length,
      pages: [
        { ino: 1, page: 1, steps: steps(0), lost: fixed ? 0 : 892, lied: 0, ptes: [{ process: "rtorrent", va: "0x7f0000001000" }], why: fixed ? "most steps" : "892 bytes lost" },
        { ino: 1, page: 7, steps: steps(1), lost: 0, lied: 0, ptes: [{ process: "rtorrent", va: "0x7f0000007000" }], why: "the first of its kind" },
      ],
      kernel: `linux-2.6.${fixed ? 20 : 19}`,
    }),
  };
}

export function metaOf({ title, subtitle = "", lost = 0, findings = [], events, pages, cores = 2, actors = ACTORS, kernel = "golden", end_ps = ps(62000000000), ...more }) {
  return {
    format: 1, tool: "mkclean 0.1.0", title, subtitle,
    command: `mkclean run configs/${title} --report r.html # <b>$&</b>`,
    period_ps: PERIOD, end_ps, ended: "finished", as_expected: true,
    verdict: { ok: lost === 0, expected: true, lost_bytes: lost, fsync_lies: 0, stale_reads: 0, invented_bytes: 0, accounting_skew: 0, livelocks: 0, invariants_broken: 0 },
    cores, block_size: 4096, page_size: 4096, actors, sites: SITES,
    files: [{ ino: 1, name: "file 1", size: 23068672 }], pages, findings,
    events, events_total: events, pages_total: pages.length,
    counters: counters(end_ps, lost),
    latencies: [
      latency("page fault", "from the trap to the retry", 19667, 640e3, 0.9),
      latency("page_mkclean", "the walk over all mappings", 14050, 220e3, 0.7),
      latency("shootdown", "from the interrupt to the last acknowledgement", 9964, 1.3e6, 0.5),
      latency("request", "from submit_bh to end_io", 14082, 8e9, 1.1),
      { name: "fsync", words: "from the call to its return", count: 0, min_ps: 0, mean_ps: 0, max_ps: 0, p50_ps: 0, p99_ps: 0, buckets: [] },
    ],
    config: [
      { name: "kernel", value: kernel, set: "--kernel", help: "the era: which kernel's rules" },
      { name: "cores", value: String(cores), set: "configs/rtorrent-2006.cfg:4", help: "how many processors" },
      { name: "fs.data", value: "ordered", set: "configs/rtorrent-2006.cfg:9", help: "ext3's mode" },
      { name: "tlb.entries", value: "64", set: "configs/hardware/core-duo-2006.cfg:12", help: "entries of a core's TLB" },
      { name: "walker.rechecks", value: "always", set: "", help: "does the walker look at P and W again before it sets D" },
      { name: "disk.cache", value: "8 MiB", set: "", help: "the volatile cache" },
      { name: "vm.dirty_ratio", value: "40 %", set: "", help: "share of memory that may be dirty" },
    ],
    stats: { walker: { walks: 91822, sets_dirty: 0 }, vm: { faults: 19667, mkclean: { calls: 14050, found_dirty: 3652 } }, disk: { writes: 14082, blocks: 14082 }, verdict: { lost_bytes: lost } },
    stylesheet: null,
    ...more,
  };
}

function counters(end, lost) {
  const t = Array.from({ length: 200 }, (_, i) => Math.round((end * i) / 200));
  const wave = (scale, phase) => t.map((_, i) => Math.round(scale * (1 + Math.sin(i / 9 + phase)) * (0.6 + (i % 7) / 14)));
  return [
    { name: "nr_dirty", group: "pages", unit: "pages", words: "dirty pages", t, v: wave(1100, lost ? 0 : 1) },
    { name: "nr_writeback", group: "pages", unit: "pages", words: "pages under writeback", t, v: wave(210, 2) },
    { name: "dirty threshold", group: "pages", unit: "pages", words: "above it writers are throttled", t: [0], v: [2600], limit: true },
    { name: "background threshold", group: "pages", unit: "pages", words: "above it pdflush starts", t: [0], v: [1300], limit: true },
    { name: "faults", group: "per ms", unit: "per ms", words: "page faults", t, v: wave(40, 1) },
    { name: "mkclean", group: "per ms", unit: "per ms", words: "calls of page_mkclean", t, v: wave(25, 3) },
    { name: "queue", group: "disk", unit: "requests", words: "requests in the queue", t, v: wave(60, 4) },
  ];
}

function latency(name, words, count, median, spread) {
  const buckets = [];
  let left = count;
  for (let i = -12; i <= 12 && left > 0; ++i) {
    const share = Math.round(count * 0.16 * Math.exp(-0.5 * (i / 3) ** 2) / 1.2);
    const n = Math.min(left, share);
    const at = power => Math.round(median * Math.exp(power * spread * 0.3));
    if (n) buckets.push([at(i), at(i + 1), n]);
    left -= n;
  }
  return { name, words, count, min_ps: buckets[0][0], mean_ps: Math.round(median * 1.2), max_ps: buckets.at(-1)[1], p50_ps: Math.round(median), p99_ps: Math.round(median * Math.exp(2.2 * spread)), buckets };
}
