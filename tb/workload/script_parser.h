#pragma once

#include "sim/number.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

// A script: timed operations for several threads. `#` begins a comment, a line is one of
//
//     file NAME SIZE                    exists when the machine starts, and is a hole
//     process NAME                      an address space
//     thread NAME in PROCESS on CORE    its operations follow, a line each:
//
//     map VAR = FILE [private] [readonly] [from PAGE] [for SIZE]
//     map VAR = anonymous SIZE
//     unmap VAR
//     mremap VAR [dontunmap]            moves to another address; dontunmap: VAR is what stays
//     remap VAR to PAGE                 remap_file_pages: shows its file from there on
//     madvise VAR dontneed [from PAGE] [for SIZE]
//     store VAR+OFFSET SIZE BYTE        every byte of it becomes BYTE
//     load VAR+OFFSET SIZE [expect BYTE]
//     write FILE OFFSET SIZE BYTE       pwrite(2)
//     read FILE OFFSET SIZE [expect BYTE]
//     msync VAR [expect ok]             MS_SYNC, all of the mapping
//     fsync FILE [expect ok]
//     sync
//     reclaim                           as if memory had become short (memory.reclaim)
//     migrate FILE                      its cached pages get other frames (move_pages(2))
//     drop FILE                         posix_fadvise(POSIX_FADV_DONTNEED)
//     truncate FILE SIZE                files only grow, but for fs.files_shrink = on
//     durable FILE OFFSET SIZE expect BYTE   a power cut now would leave that
//     dirty_pages N                     as an expectation: no more than N are counted as dirty
//     fail FILE OFFSET                  the disk fails the next write to the block that is there
//     pin VAR+OFFSET                    a device gets hold of the page (get_user_pages)
//     dma OFFSET SIZE BYTE              and stores to it, without the processor
//     unpin                             and lets go of it
//     sleep TIME                        others may have the core meanwhile
//     until TIME                        busy until that instant of the machine's time
//     compute CYCLES                    busy for so long
//     meet NAME                         waits for all threads that name it; behind `meet explored`
//                                       begins what an explorer tries in every order
//     repeat N                          N times what is up to the matching
//     end
//
// Numbers have units as in configs (4KiB, 10us) and may be sums without blanks (2ms+$delay). $delay
// is workload.delay, where a time is wanted; $value is workload.value, where another number is. A
// VAR belongs to its process: its other threads may use it once they have met who mapped it. The
// files that a thread names are opened, in that order, before its first operation.

struct script_operation {
    enum class kind {
        map,
        unmap,
        madvise,
        mremap,
        remap,
        store,
        load,
        write,
        read,
        msync,
        fsync,
        sync,
        reclaim,
        migrate,
        drop,
        truncate,
        durable,
        dirty_pages,
        fail,
        pin,
        dma,
        unpin,
        sleep,
        until,
        compute,
        meet,
        repeat,
        end
    };
    static constexpr std::size_t no_file = ~std::size_t{0};
    static constexpr bool has_variable(kind what)
    {
        return what == kind::map || what == kind::unmap || what == kind::store ||
               what == kind::load || what == kind::msync || what == kind::madvise ||
               what == kind::mremap || what == kind::remap || what == kind::pin;
    }

    kind what = kind::sync;
    unsigned line = 0;
    std::size_t variable = 0;   ///< index; of whatever has_variable()
    std::size_t file = no_file; ///< index; no_file: a map of anonymous memory
    std::size_t meeting = 0;    ///< index
    std::uint64_t offset = 0;   ///< bytes, in the mapping, the file or (dma) the pinned page
    std::uint64_t size = 0;     ///< bytes; of madvise, 0: up to the end
    std::byte byte{};           ///< stored, written or expected
    bool expects = false;       ///< of load, read, durable, msync and fsync
    bool is_private = false;    ///< of map
    bool readonly = false;      ///< of map
    bool dontunmap = false;     ///< of mremap
    picoseconds time;           ///< of sleep and until
    cycles duration;            ///< of compute
    std::uint64_t times = 0;    ///< of repeat; of dirty_pages, how many; of remap, which
    std::size_t partner = 0;    ///< index of a repeat's end, of an end's repeat
};

struct script_program {
    struct file {
        std::string name;
        std::uint64_t size = 0; ///< bytes
    };
    struct variable {
        std::string name;
        std::size_t process = 0;
        std::uint64_t largest = 0; ///< bytes of the largest mapping it may stand for
    };
    struct thread {
        std::string name;
        std::size_t process = 0;
        unsigned core = 0;
        unsigned line = 0;
        std::vector<script_operation> operations;
    };

    std::string path;
    std::vector<file> files;
    std::vector<std::string> processes;
    std::vector<variable> variables;
    std::vector<std::string> meetings;
    std::vector<thread> threads;

    /// Whether `t` names that meeting anywhere.
    static bool attends(const thread& t, std::size_t meeting);
    /// Whether it maps or uses the variable.
    static bool names(const thread& t, std::size_t variable);
};

/// What a script stands in.
struct script_surroundings {
    std::uint64_t delay = 0;   ///< ps: $delay
    std::uint64_t value = 0;   ///< $value
    std::uint64_t cores = 1;   ///< of the machine
    bool files_shrink = false; ///< whether its filesystem lets them
};

/// Reads a script; `path` is what errors name. Error: input_error, which points at the line, for
/// whatever the grammar above does not allow, for names that nobody declared, numbers out of range,
/// accesses beyond their mapping, a meeting that not all attend equally often, and variables that
/// cannot be mapped when they are used.
script_program parse_script(std::string_view text, const std::string& path,
                            const script_surroundings& around);

} // namespace mkclean
