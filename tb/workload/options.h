#pragma once

#include <cstdint>
#include <string>

namespace mkclean
{

class option_set;

enum class workload_kind { rtorrent, apt, lackey, script, random, touch };

/// workload.*: which program runs, and how. What an option means to which kind is in its help.
struct workload_options {
    workload_kind kind = workload_kind::rtorrent;
    std::uint64_t size = 22ull << 20; ///< bytes of the file
    std::uint64_t chunk = 1460;       ///< bytes: rtorrent's writes
    std::uint64_t think = 0;          ///< ps between operations
    std::uint64_t operations = 1000;  ///< of random and touch, a thread; updates of apt
    std::uint64_t sync_every = 0; ///< updates of apt between two msyncs; 0: none after the first
    std::uint64_t threads = 4;    ///< of random, touch
    std::uint64_t processes = 2;  ///< of random: address spaces that its threads share out
    std::uint64_t pages = 16; ///< of random: pages of its file; of touch: that a thread stores to
    std::uint64_t load_every = 0;      ///< of touch: stores between two loads; 0: no loads
    bool shared = false;               ///< of touch: all threads store to the same pages
    bool one_mapping = false;          ///< of touch: through the same mapping, too
    std::uint64_t anonymous_pages = 2; ///< of random: pages of memory of each thread's own
    bool drop = true;                  ///< rtorrent: fadvise(DONTNEED) before it reads back
    bool verify = true;
    std::string file;               ///< of lackey and script
    std::uint64_t delay = 0;        ///< ps: what a script calls $delay
    std::uint64_t value = 0;        ///< what a script calls $value
    std::uint64_t lackey_start = 0; ///< address range of the trace that is the shared file
    std::uint64_t lackey_end = 0;
    std::uint64_t lackey_cycles = 1; ///< of lackey: of an instruction, or an access elsewhere

    void declare(option_set& options);
};

} // namespace mkclean
