/*
 * The dirty-page protocol of one page of a file, mapped shared, of two blocks: who may say "write
 * me", who takes that away, and whether somebody still says so when disk and memory differ.
 *
 * Written from what the kernels do and not from mkclean's code, so that the two can be compared:
 * where they disagree, one of them is wrong.
 *
 * A d_step is one atomic step; the length of a counterexample is their number. A step looks at or
 * changes one shared word. Three kinds of it may do more, for nobody could tell:
 *   - taking a lock, and the first thing that is done under it;
 *   - the last thing that is done under a lock, and giving it back, which enables others, disables
 *     nobody, and so may as well come early;
 *   - words that are only looked at under the same lock (nr_dirty and the tag).
 * Waiting is a guard. Hardware takes no lock, and is never part of a kernel's step.
 *
 * No number of stores is fixed. Of the versions of a block two bits are kept: `on_disk`, the disk
 * has what memory has, and `owed`, the fsync under way has still to see a store on disk that was
 * there before it began. A store clears the one, DMA sets it and clears the other, fsync begins by
 * setting `owed` where `on_disk` is not: nothing else of the versions is ever asked. So what holds,
 * holds for any number of stores, faults, writebacks and fsyncs.
 *
 * scripts/promela runs it; docs/promela.md says what is found.
 */

/* ---- policies: each is chosen with -D -------------------------------------------------------- */

/* Values of CPDFIO: clear_page_dirty_for_io() of Linux 2.6.18, 2.6.19, 2.6.20 and later. */
#ifndef CPDFIO
#define CPDFIO 2620
#endif
#if CPDFIO != 2618 && CPDFIO != 2619 && CPDFIO != 2620
#error no such CPDFIO
#endif

/* Values of FAULT: what a write fault does, in its order. What is locked, unlocked or waited for is
   the page lock; with ptl_ all of it is done under the page-table lock. */
#define install_only 1 /* 2.6.18: W without D, and nobody is told */
#define install_dirty 2 /* 2.6.19 */
#define dirty_install 3
#define install_wait_dirty 4 /* 2.6.23, do_wp_page() */
#define lock_install_unlock_dirty 5 /* 2.6.23, __do_fault() */
#define lock_install_dirty_unlock 6
#define lock_dirty_install_unlock 7 /* golden */
#define ptl_install_dirty 8
#define wait_dirty_install 9
#define ptl_install_wait_dirty 10
#ifndef FAULT
#define FAULT lock_dirty_install_unlock
#endif

/* Values of MKCLEAN_FLUSH: whose TLBs page_mkclean() flushes; `late` is everyone's, but only after
   TestClearPageDirty. (2.6.18: the flush of msync.) */
#define everyone 1
#define local 2
#define none 3
#define late 4
#ifndef MKCLEAN_FLUSH
#define MKCLEAN_FLUSH everyone
#endif

/* Values of MKCLEAN: the order in page_mkclean_one(), and two ways to get it wrong. */
#define clear_flush_set 1 /* c2fda5fed81e */
#define clear_set_flush 2 /* 2.6.19 */
#define keep_write 3 /* D is cleared, W stays */
#define peek 4 /* until 479db0bf408e: what looks absent is passed over without the lock */
#ifndef MKCLEAN
#define MKCLEAN clear_flush_set
#endif

/* Values of SET_PAGE_DIRTY: which comes first. */
#define buffers_first 1
#define page_first 2
#ifndef SET_PAGE_DIRTY
#define SET_PAGE_DIRTY buffers_first
#endif
#ifndef TAG_ATOMIC
#define TAG_ATOMIC 0 /* 1: PG_dirty, its count and its tag are set in one step */
#endif

/* Values of ZAP: munmap or MADV_DONTNEED by somebody who never stops, and reclaim with it. */
#define flush_under_ptl 1 /* and then what the PTE knew is told */
#define flush_after_ptl 2 /* until 3.14 */
#define dirty_flush_under_ptl 3 /* 1cf35d47712d: told first, then the flush */
#ifndef ZAP
#define ZAP 0
#endif

/* Values of TTFB: try_to_free_buffers() on a page that is mapped. */
#define clear 1 /* 2.6.19: clear_page_dirty(), and what page_mkclean() finds is thrown away */
#define cancel 2 /* 2.6.20: cancel_dirty_page() leaves the PTEs alone */
#ifndef TTFB
#define TTFB 0
#endif

/* Values of WALKER: how the processor sets D. */
#define locked_rmw 1
#define read_then_write 2 /* what was read is written back whole */
#define no_recheck 3 /* a store through a clean entry does not look whether W is still there */
#ifndef WALKER
#define WALKER locked_rmw
#endif

/* Values of STORE: whether a flush is acknowledged before a store has left the processor that was
   translated already. */
#define at_once 1
#define drained 2
#define not_drained 3
#ifndef STORE
#define STORE at_once
#endif

#ifndef FSYNC_LOOKS_AT_PG_DIRTY
#define FSYNC_LOOKS_AT_PG_DIRTY 0 /* instead of at the tag */
#endif
#ifndef JOURNAL
#define JOURNAL 1 /* writes dirty buffers by itself, and tells neither PG_dirty nor the PTEs */
#endif

/* Who: one processor, THREADS (two that share a page table), PROCESSES (two with one each). */
#ifndef THREADS
#define THREADS 0
#endif
#ifndef PROCESSES
#define PROCESSES 0
#endif
#if THREADS || PROCESSES
#define CPUS 2
#else
#define CPUS 1
#endif
#if PROCESSES
#define MMS 2
#define mm_of(cpu) (cpu)
#else
#define MMS 1
#define mm_of(cpu) 0
#endif

/* 1: only P2w is checked: a store made in a fault's window is left out of the books. */
#ifndef WAIVE
#define WAIVE 0
#endif

#if TAG_ATOMIC && SET_PAGE_DIRTY != buffers_first
#error TAG_ATOMIC knows buffers_first only
#endif
#if MKCLEAN == clear_set_flush && MKCLEAN_FLUSH != everyone && MKCLEAN_FLUSH != local
#error clear_set_flush is a way to flush
#endif
#if MKCLEAN_FLUSH == late && (CPDFIO != 2620 || TTFB)
#error only clear_page_dirty_for_io() of 2.6.20 has a place for a late flush
#endif
#if STORE != at_once && WALKER != locked_rmw
#error a store is split in one place only
#endif

/* ---- the state ------------------------------------------------------------------------------- */

#define tlb_none 0
#define tlb_read 1
#define tlb_write 2 /* W, but a store has to set D in the PTE first */
#define tlb_dirty 3 /* W and D: a store asks nobody */
byte tlb[CPUS];

bit pte_present[MMS] = 1;
bit pte_write[MMS];
bit pte_dirty[MMS];
bit page_table_lock[MMS];

bit PG_locked;
bit PG_dirty;
bit PG_writeback;
bit TAG_DIRTY;
short nr_dirty; /* NR_FILE_DIRTY */

bit BH_Dirty[2];
/* Who has a buffer's lock, and how far its IO is. */
#define bh_unlocked 0
#define bh_locked 1
#define bh_submitted 2
#define bh_read 3 /* the DMA engine has the data */
#define journal_submitted 4
#define journal_read 5
byte bh_lock[2];

bit on_disk[2] = 1;
bit owed[2];

/* The properties ask where an agent is. That says no more than its program counter does, so these
   make no states. */
bit fault_window[CPUS]; /* between the PTE and the end of set_page_dirty() */
byte cpus_busy; /* neither in user mode nor stopped */
bit cleaning; /* in clear_page_dirty_for_io(), or in try_to_free_buffers() */
bit writeback_busy;
byte accounting; /* between PG_dirty and its count */
byte tagging; /* between PG_dirty and its tag */
/* Somebody has taken a PTE and is not done with it: perhaps what it knew is not told yet, or TLBs
   are not flushed. */
#define sync_has_it 0
#define zap_has_it 1
#define rewriter_has_it 2
bit pte_taken[3];

/* Between two steps of one store. A processor answers no interrupt there, but as STORE has it. */
bit store_in_flight[CPUS];

bit stop; /* processors finish their faults, and no more */
bit nobody; /* what is lowered where nothing is to be */

/* ---- the properties -------------------------------------------------------------------------- */

c_decl {
    enum property { is_P1s, is_P1u, is_P1c, is_P1e, is_P2, is_P2w,
                    is_P3q, is_P3s, is_P4q, is_P4n, is_P5, properties };
    extern void fails(enum property);
    extern void check_invariants(void);
};

/* The search is breadth first, so the first failure that is seen is as short as any. It goes on
   after a failure: one run finds them all. */
c_code {
    extern long depth;
    extern void (*uerror)(char*);

    void fails(enum property p)
    {
        static const char* const names[] = {"P1s", "P1u", "P1c", "P1e", "P2", "P2w",
                                            "P3q", "P3s", "P4q", "P4n", "P5"};
        static char seen[properties];
        if (seen[p] || (WAIVE && p != is_P2w))
            return;
        seen[p] = 1;
        printf("property %s fails %ld\n", names[p], depth + 1);
#ifdef TRACE
        if (p == TRACE)
            uerror("as asked for");
#endif
    }
};

#define any_of_cpus(bits) (bits[0] || bits[CPUS - 1])
#define any_of_mms(bits) (bits[0] || bits[MMS - 1])

c_code {
    void check_invariants(void)
    {
        const int window = any_of_cpus(now.fault_window) != 0;
        const int pte_writable = any_of_mms(now.pte_write) != 0;
        const int tlb_writable = now.tlb[0] >= tlb_write || now.tlb[CPUS - 1] >= tlb_write;

        if ((pte_writable || tlb_writable) && !now.PG_dirty && !window && !now.cleaning)
            fails(is_P3q);
        if (pte_writable && !now.PG_dirty)
            fails(is_P3s);
        if (now.nr_dirty != now.PG_dirty && now.accounting == 0)
            fails(is_P4q);
        if (now.nr_dirty < 0)
            fails(is_P4n);
        if (now.PG_dirty && !now.TAG_DIRTY && now.tagging == 0)
            fails(is_P5);
        if (!(now.on_disk[0] && now.on_disk[1]) && !now.PG_dirty && !now.PG_writeback &&
            !now.BH_Dirty[0] && !now.BH_Dirty[1] && now.bh_lock[0] == bh_unlocked &&
            now.bh_lock[1] == bh_unlocked && !pte_writable && !any_of_mms(now.pte_dirty) &&
            !now.pte_taken[sync_has_it] && !now.pte_taken[zap_has_it] &&
            !now.pte_taken[rewriter_has_it] && !window && !now.cleaning)
            fails(is_P1c);
    }
};

inline checked() { c_code { check_invariants(); } }

#define all_on_disk (on_disk[0] && on_disk[1])

/* ---- TLBs ------------------------------------------------------------------------------------ */

#if STORE == not_drained
#define may_acknowledge(cpu) true
#else
#define may_acknowledge(cpu) (!store_in_flight[cpu])
#endif

inline flush_tlb_of(cpu)
{
    d_step { may_acknowledge(cpu) -> tlb[cpu] = tlb_none; checked() }
}

inline flush_tlb_page(mm)
{
#if PROCESSES
    flush_tlb_of(mm);
#else
    flush_tlb_of(0);
#if THREADS
    flush_tlb_of(1);
#endif
#endif
}

/* A flush as the policy has it. The flusher runs on CPU 0. */
inline flush_tlb_page_by_policy(mm)
{
#if MKCLEAN_FLUSH == local
    d_step {
        mm != mm_of(0) || may_acknowledge(0) ->
        if
        :: mm == mm_of(0) -> tlb[0] = tlb_none
        :: else -> skip
        fi;
        checked()
    }
#else
    flush_tlb_page(mm)
#endif
}

/* ---- set_page_dirty -------------------------------------------------------------------------- */

/* `condition` guards the first step, so that the decision to call is no step of its own; `lowered`
   becomes 0 with the last. */
inline dirty_buffers_then_page(condition, lowered)
{
    d_step { condition -> BH_Dirty[0] = 1; checked() }
    d_step { BH_Dirty[1] = 1; checked() }
    if
    :: d_step { PG_dirty -> lowered = 0; checked() }
#if TAG_ATOMIC
    :: d_step { !PG_dirty -> PG_dirty = 1; nr_dirty++; TAG_DIRTY = 1; lowered = 0; checked() }
#else
    :: d_step { !PG_dirty -> PG_dirty = 1; accounting++; tagging++; checked() }
       account_page_dirtied(lowered)
#endif
    fi
}

/* Under mapping->tree_lock. */
inline account_page_dirtied(lowered)
{
    d_step { nr_dirty++; TAG_DIRTY = 1; accounting--; tagging--; lowered = 0; checked() }
}

inline dirty_page_then_buffers(condition, lowered)
{
    if
    :: d_step { condition && PG_dirty -> checked() }
    :: d_step { condition && !PG_dirty -> PG_dirty = 1; accounting++; tagging++; checked() }
       account_page_dirtied(nobody)
    fi;
    d_step { BH_Dirty[0] = 1; checked() }
    d_step { BH_Dirty[1] = 1; lowered = 0; checked() }
}

inline set_page_dirty(condition, lowered)
{
#if SET_PAGE_DIRTY == page_first
    dirty_page_then_buffers(condition, lowered)
#else
    dirty_buffers_then_page(condition, lowered)
#endif
}

/* ---- page_mkclean and clear_page_dirty_for_io ------------------------------------------------ */

#define needs_cleaning(mm) (pte_present[mm] && (pte_write[mm] || pte_dirty[mm]))
#if MKCLEAN == keep_write
#define write_left 1
#else
#define write_left 0
#endif

#if MKCLEAN == peek
#define may_look(mm) (!page_table_lock[mm] || !pte_present[mm])
#else
#define may_look(mm) (!page_table_lock[mm])
#endif

/* Macros, for spin's replay passes over the first statement of an inline within a d_step. */
#define ptep_get_and_clear(mm)                                                                     \
    page_table_lock[mm] = 1; pte_present[mm] = 0; pte_write[mm] = 0; pte_dirty[mm] = 0
#define pte_done(by, mm) page_table_lock[mm] = 0; pte_taken[by] = 0

inline page_mkclean_one(mm)
{
    if
    :: d_step { may_look(mm) && !needs_cleaning(mm) -> cleaning = 1; checked() }
    :: d_step {
           !page_table_lock[mm] && needs_cleaning(mm) ->
           cleaning = 1;
           ptep_get_and_clear(mm);
           checked()
       }
#if MKCLEAN == clear_set_flush
       d_step { pte_present[mm] = 1; pte_write[mm] = 0; pte_dirty[mm] = 0; checked() }
       flush_tlb_page_by_policy(mm);
       d_step { page_table_lock[mm] = 0; found = 1; checked() }
#else
#if MKCLEAN_FLUSH == everyone || MKCLEAN_FLUSH == local
       flush_tlb_page_by_policy(mm);
#endif
       d_step {
           /* All of it is written: a walker that is not atomic may have put something there. */
           pte_present[mm] = 1; pte_write[mm] = write_left; pte_dirty[mm] = 0;
           page_table_lock[mm] = 0;
           found = 1;
#if MKCLEAN_FLUSH == late
           stale = 1;
#endif
           checked()
       }
#endif
    fi
}

/* Sets `found` if a PTE had something to tell. */
inline page_mkclean()
{
    page_mkclean_one(0);
#if PROCESSES
    page_mkclean_one(1)
#endif
}

/* ---- writing the page ------------------------------------------------------------------------ */

/* Waits for whoever does IO on the buffer, even if only to find out that it is clean. */
inline write_buffer(block)
{
    d_step {
        bh_lock[block] == bh_unlocked ->
        if
        :: BH_Dirty[block] -> BH_Dirty[block] = 0; bh_lock[block] = bh_locked
        :: else -> skip
        fi;
        checked()
    }
}

#define under_io(block) (bh_lock[block] == bh_submitted || bh_lock[block] == bh_read)

/* ->writepage, as __block_write_full_page(): returns with the page unlocked. */
inline writepage(lowered)
{
    write_buffer(0);
    write_buffer(1);
    d_step {
        /* set_page_writeback(), under mapping->tree_lock */
        PG_writeback = 1;
        if
        :: !PG_dirty -> TAG_DIRTY = 0
        :: else -> skip
        fi;
        checked()
    }
    d_step {
        if
        :: bh_lock[0] == bh_locked -> bh_lock[0] = bh_submitted
        :: else -> skip
        fi;
        if
        :: bh_lock[1] == bh_locked -> bh_lock[1] = bh_submitted
        :: else -> skip
        fi;
        if
        :: !under_io(0) && !under_io(1) -> PG_writeback = 0 /* somebody has written the buffers */
        :: else -> skip
        fi;
        PG_locked = 0;
        lowered = 0;
        checked()
    }
}

inline account_page_cleaned(condition)
{
    d_step { condition -> nr_dirty--; accounting--; cleaning = 0; found = 0; stale = 0; checked() }
}

#if MKCLEAN_FLUSH == late
inline flush_tlb_page_late()
{
    if
    :: d_step { stale -> tlb[0] = tlb_none; stale = 0; checked() }
#if CPUS == 2
       flush_tlb_of(1);
#endif
       account_page_cleaned(true)
    :: account_page_cleaned(!stale)
    fi
}
#endif

/* clear_page_dirty_for_io(), and ->writepage if it says so. Gives the page lock back. */
inline write_locked_page(lowered)
{
#if CPDFIO == 2620
    page_mkclean();
#endif
    do
    :: set_page_dirty(found, found) /* 2.6.20 alone has found something by now */
    :: d_step {
           !found && !PG_dirty ->
           cleaning = 0; stale = 0; PG_locked = 0; lowered = 0;
           checked()
       }
       break
    :: d_step { !found && PG_dirty -> PG_dirty = 0; accounting++; cleaning = 1; checked() }
#if CPDFIO == 2619
       page_mkclean();
#endif
#if MKCLEAN_FLUSH == late
       flush_tlb_page_late();
#else
       account_page_cleaned(true);
#endif
       writepage(lowered);
       break
    od
}

/* ---- the processors -------------------------------------------------------------------------- */

#define my_mm mm_of(_pid)
#define may_write(which) (pte_present[which] && pte_write[which])

#if WAIVE
#define written(block) on_disk[block] = on_disk[block] && any_of_cpus(fault_window)
#else
#define written(block) on_disk[block] = 0
#endif

/* What a store through a TLB entry without D does: the entry is not believed about W either. */
#if WALKER == no_recheck
#define walk_finds_write (tlb[_pid] == tlb_write || tlb[_pid] == tlb_none && may_write(my_mm))
#else
#define walk_finds_write (tlb[_pid] != tlb_read && tlb[_pid] != tlb_dirty && may_write(my_mm))
#endif
#define store_faults (tlb[_pid] != tlb_dirty && !walk_finds_write)

inline lock_page() { d_step { !PG_locked -> PG_locked = 1; checked() } }
inline wait_on_page_locked() { d_step { !PG_locked -> checked() } }
inline fault_returns(lowered) { d_step { cpus_busy--; lowered = 0; checked() } }

#define keeps_ptl (FAULT == ptl_install_dirty || FAULT == ptl_install_wait_dirty)
#define dirty_comes_later                                                                          \
    (FAULT == install_dirty || FAULT == install_wait_dirty ||                                      \
     FAULT == lock_install_unlock_dirty || FAULT == lock_install_dirty_unlock || keeps_ptl)

/* Under the page-table lock, which is given back in the same step unless the policy keeps it. */
inline install_pte(condition, lowered)
{
    d_step {
        condition && !page_table_lock[my_mm] ->
        pte_present[my_mm] = 1; pte_write[my_mm] = 1;
#if FAULT != install_only
        pte_dirty[my_mm] = 1;
#endif
        tlb[_pid] = tlb_none;
        fault_window[_pid] = dirty_comes_later;
#if keeps_ptl
        page_table_lock[my_mm] = 1;
#endif
        lowered = 0;
        checked()
    }
}

/* Another thread was here first, and has seen to it or is about to. */
inline pte_is_writable(lowered)
{
    d_step {
        !page_table_lock[my_mm] && pte_write[my_mm] ->
        tlb[_pid] = tlb_none;
        cpus_busy--;
        lowered = 0;
        checked()
    }
}

/* Who dirties before he looks at the PTE has no more to do there than to install it. */
inline do_wp_page()
{
#if FAULT == lock_dirty_install_unlock
    lock_page();
    set_page_dirty(true, nobody);
    install_pte(true, nobody);
    fault_returns(PG_locked)
#elif FAULT == dirty_install
    set_page_dirty(true, nobody);
    install_pte(true, nobody);
    fault_returns(nobody)
#elif FAULT == wait_dirty_install
    wait_on_page_locked();
    set_page_dirty(true, nobody);
    install_pte(true, nobody);
    fault_returns(nobody)
#elif FAULT == install_only
    if
    :: pte_is_writable(nobody)
    :: install_pte(!pte_write[my_mm], nobody);
       fault_returns(nobody)
    fi
#elif FAULT == install_dirty
    if
    :: pte_is_writable(nobody)
    :: install_pte(!pte_write[my_mm], nobody);
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(nobody)
    fi
#elif FAULT == install_wait_dirty
    if
    :: pte_is_writable(nobody)
    :: install_pte(!pte_write[my_mm], nobody);
       wait_on_page_locked();
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(nobody)
    fi
#elif FAULT == lock_install_unlock_dirty
    lock_page();
    if
    :: pte_is_writable(PG_locked)
    :: install_pte(!pte_write[my_mm], PG_locked);
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(nobody)
    fi
#elif FAULT == lock_install_dirty_unlock
    lock_page();
    if
    :: pte_is_writable(PG_locked)
    :: install_pte(!pte_write[my_mm], nobody);
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(PG_locked)
    fi
#elif FAULT == ptl_install_dirty
    if
    :: pte_is_writable(nobody)
    :: install_pte(!pte_write[my_mm], nobody);
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(page_table_lock[my_mm])
    fi
#elif FAULT == ptl_install_wait_dirty
    if
    :: pte_is_writable(nobody)
    :: install_pte(!pte_write[my_mm], nobody);
       wait_on_page_locked();
       set_page_dirty(true, fault_window[_pid]);
       fault_returns(page_table_lock[my_mm])
    fi
#endif
}

inline store(block)
{
#if STORE == at_once
    d_step { !stop && tlb[_pid] == tlb_dirty -> written(block); checked() }
#else
    d_step {
        !stop && tlb[_pid] == tlb_dirty ->
        store_in_flight[_pid] = 1; cpus_busy++; checked()
    }
    d_step { written(block); store_in_flight[_pid] = 0; cpus_busy--; checked() }
#endif
}

inline load()
{
    d_step {
        !stop && tlb[_pid] == tlb_none && pte_present[my_mm] ->
        if
        :: pte_write[my_mm] && pte_dirty[my_mm] -> tlb[_pid] = tlb_dirty
        :: pte_write[my_mm] && !pte_dirty[my_mm] -> tlb[_pid] = tlb_write
        :: else -> tlb[_pid] = tlb_read
        fi;
        checked()
    }
}

inline walk_for_store()
{
#if WALKER == read_then_write
    d_step { !stop && walk_finds_write -> store_in_flight[_pid] = 1; cpus_busy++; checked() }
    d_step {
        pte_present[my_mm] = 1; pte_write[my_mm] = 1; pte_dirty[my_mm] = 1;
        tlb[_pid] = tlb_dirty;
        store_in_flight[_pid] = 0;
        cpus_busy--;
        checked()
    }
#else
    d_step { !stop && walk_finds_write -> pte_dirty[my_mm] = 1; tlb[_pid] = tlb_dirty; checked() }
#endif
}

inline do_page_fault()
{
    d_step { !stop && store_faults -> cpus_busy++; checked() }
    do_wp_page()
}

active [CPUS] proctype cpu()
{
end_user_mode:
    do
    :: store(0)
    :: store(1)
    :: load()
    :: walk_for_store()
    :: do_page_fault()
    od
}

/* ---- the disk and the journal ---------------------------------------------------------------- */

inline end_io(block)
{
    d_step {
        bh_lock[block] == bh_read || bh_lock[block] == journal_read ->
        if
        :: bh_lock[block] == bh_read && !under_io(1 - block) -> PG_writeback = 0
        :: else -> skip
        fi;
        bh_lock[block] = bh_unlocked;
        checked()
    }
}

inline dma_read(block)
{
    d_step {
        bh_lock[block] == bh_submitted || bh_lock[block] == journal_submitted ->
        bh_lock[block]++;
        on_disk[block] = 1;
        owed[block] = 0;
        checked()
    }
}

active proctype disk()
{
end_idle:
    do
    :: dma_read(0)
    :: dma_read(1)
    :: end_io(0)
    :: end_io(1)
    od
}

#if JOURNAL
inline journal_write(block)
{
    d_step {
        bh_lock[block] == bh_unlocked && BH_Dirty[block] ->
        BH_Dirty[block] = 0;
        bh_lock[block] = journal_submitted;
        checked()
    }
}

active proctype journal()
{
end_idle:
    do
    :: journal_write(0)
    :: journal_write(1)
    od
}
#endif

/* ---- writeback ------------------------------------------------------------------------------- */

inline wait_on_page_writeback() { d_step { !PG_writeback -> checked() } }

active proctype pdflush()
{
    bit found, stale;
end_idle:
    do
    :: d_step { TAG_DIRTY -> writeback_busy = 1; checked() }
       lock_page();
       wait_on_page_writeback();
       write_locked_page(writeback_busy)
    od
}

/* ---- fsync and the end ----------------------------------------------------------------------- */

/* A PTE is taken away, and what it knew goes to set_page_dirty(), while its lock is held. */
inline unmap(mm)
{
    if
    :: d_step { !page_table_lock[mm] && !pte_present[mm] -> checked() }
    :: d_step {
           !page_table_lock[mm] && pte_present[mm] ->
           pte_taken[sync_has_it] = 1;
           dirty = pte_dirty[mm];
           ptep_get_and_clear(mm);
           checked()
       }
       flush_tlb_page(mm);
       if
       :: d_step { !dirty -> pte_done(sync_has_it, mm); checked() }
       :: d_step { dirty -> checked() }
          set_page_dirty(true, dirty);
          d_step { pte_done(sync_has_it, mm); checked() }
       fi
    fi
}

/* msync of 2.6.18: D is fetched, W stays. */
inline msync_page(mm)
{
    if
    :: d_step { !page_table_lock[mm] && !pte_dirty[mm] -> checked() }
    :: d_step {
           !page_table_lock[mm] && pte_dirty[mm] ->
           pte_taken[sync_has_it] = 1;
           page_table_lock[mm] = 1;
           pte_dirty[mm] = 0;
           checked()
       }
#if MKCLEAN_FLUSH != none
       flush_tlb_page_by_policy(mm);
#endif
       set_page_dirty(true, nobody);
       d_step { pte_done(sync_has_it, mm); checked() }
    fi
}

#if FSYNC_LOOKS_AT_PG_DIRTY
#define finds_page PG_dirty
#else
#define finds_page TAG_DIRTY
#endif

inline filemap_fdatawrite()
{
#if CPDFIO == 2618
    msync_page(0);
#if PROCESSES
    msync_page(1);
#endif
#endif
    if
    :: d_step { !finds_page -> checked() }
    :: d_step { finds_page -> checked() }
       lock_page();
       wait_on_page_writeback();
       write_locked_page(nobody)
    fi
}

#if WAIVE
#define is_P2_of_this_run is_P2w
#else
#define is_P2_of_this_run is_P2
#endif

inline fsync_begins()
{
    d_step { !stop -> owed[0] = !on_disk[0]; owed[1] = !on_disk[1]; checked() }
}

inline fsync_returns()
{
    d_step {
        !PG_writeback && !stop ->
        if
        :: owed[0] || owed[1] -> c_code { fails(is_P2_of_this_run); }
        :: else -> skip
        fi;
        owed[0] = 0; owed[1] = 0;
        checked()
    }
}

inline last_fsync_returns()
{
    d_step {
        !PG_writeback && stop && !unmapped ->
        if
        :: !all_on_disk -> c_code { fails(is_P1s); }
        :: else -> skip
        fi;
        checked()
    }
}

/* Behind munmap: goes on until nobody has anything to write any more. */
inline last_writeback_ends()
{
    d_step { !PG_writeback && unmapped -> checked() }
    d_step {
        !PG_dirty && !PG_locked && !writeback_busy && accounting == 0 &&
        !any_of_mms(page_table_lock) &&
        bh_lock[0] == bh_unlocked && bh_lock[1] == bh_unlocked &&
        !(JOURNAL && (BH_Dirty[0] || BH_Dirty[1])) ->
        if
        :: !all_on_disk -> c_code { fails(is_P1u); }
        :: else -> skip
        fi;
        checked()
    }
}

/* One fsync after the other, and a last one when the processors have stopped. */
active proctype sync()
{
    bit found, stale, dirty, unmapped;
end_idle:
    do
    :: if
       :: fsync_begins()
       :: d_step { !stop -> stop = 1; checked() }
          if
          :: d_step { cpus_busy == 0 -> checked() }
          :: d_step { cpus_busy == 0 -> unmapped = 1; checked() }
             unmap(0);
#if PROCESSES
             unmap(1)
#endif
          fi
       fi;
       filemap_fdatawrite();
       if
       :: fsync_returns()
       :: last_fsync_returns(); break
       :: last_writeback_ends(); break
       fi
    od;
end_of_run:
    false
}

/* ---- others, where a variant has them -------------------------------------------------------- */

#if MKCLEAN == peek
/* Like mprotect(): an absent PTE that will be back. */
active proctype pte_rewriter()
{
    bit write, dirty;
end_idle:
    do
    :: d_step {
           !page_table_lock[0] && pte_present[0] ->
           pte_taken[rewriter_has_it] = 1;
           write = pte_write[0]; dirty = pte_dirty[0];
           ptep_get_and_clear(0);
           checked()
       }
       d_step {
           pte_present[0] = 1; pte_write[0] = write; pte_dirty[0] = dirty;
           write = 0; dirty = 0;
           pte_done(rewriter_has_it, 0);
           checked()
       }
    od
}
#endif

#if ZAP
/* What the PTE knew is told: the lock is given back, unless the flush is still to come under it. */
#if ZAP == dirty_flush_under_ptl
#define zap_is_told() skip
#else
#define zap_is_told() page_table_lock[0] = 0
#endif

active proctype zap()
{
    bit dirty;
end_idle:
    do
    :: d_step {
           !page_table_lock[0] && pte_present[0] ->
           pte_taken[zap_has_it] = 1;
           dirty = pte_dirty[0];
           ptep_get_and_clear(0);
           checked()
       }
#if ZAP == flush_under_ptl
       flush_tlb_page(0);
#endif
       if
       :: d_step { !dirty -> zap_is_told(); checked() }
       :: d_step { dirty -> checked() }
          set_page_dirty(true, dirty);
          d_step { zap_is_told(); checked() }
       fi;
#if ZAP == dirty_flush_under_ptl
       flush_tlb_page(0);
       d_step { page_table_lock[0] = 0; checked() }
#endif
#if ZAP == flush_after_ptl
       flush_tlb_page(0);
#endif
       d_step { pte_taken[zap_has_it] = 0; checked() } /* the page's reference is dropped */
    od
}

active proctype reclaim()
{
end_idle:
    do
    :: d_step {
           !any_of_mms(pte_present) && !pte_taken[sync_has_it] && !pte_taken[zap_has_it] &&
           !any_of_cpus(fault_window) && !PG_locked && !PG_dirty && !PG_writeback &&
           !BH_Dirty[0] && !BH_Dirty[1] &&
           bh_lock[0] == bh_unlocked && bh_lock[1] == bh_unlocked ->
           if
           :: !all_on_disk -> c_code { fails(is_P1e); }
           :: else -> skip
           fi;
           on_disk[0] = 1; on_disk[1] = 1; /* the next fault reads what the disk has */
           checked()
       }
    od
}
#endif

#if TTFB
active proctype try_to_free_buffers()
{
    bit found, stale;
end_idle:
    do
    :: d_step {
           !PG_locked && PG_dirty && !PG_writeback && !BH_Dirty[0] && !BH_Dirty[1] &&
           bh_lock[0] == bh_unlocked && bh_lock[1] == bh_unlocked ->
           PG_locked = 1;
           checked()
       }
       d_step {
           PG_dirty = 0;
#if TTFB == clear
           TAG_DIRTY = 0; /* cancel_dirty_page() leaves the tag: whoever syncs still finds the page */
#endif
           accounting++; cleaning = 1; checked()
       }
#if TTFB == clear
       page_mkclean();
#endif
       d_step { nr_dirty--; accounting--; cleaning = 0; found = 0; PG_locked = 0; checked() }
    od
}
#endif
