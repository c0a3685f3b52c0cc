#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mkclean
{

/// Options by name, as the command line would have them.
using run_settings = std::vector<std::pair<std::string, std::string>>;

/// What a bare program does that stores the same to plain memory.
enum class native_program {
    none,      ///< there is no such thing: what is measured is the kernel's or the disk's work
    scattered, ///< the stores of `touch`, in its order, to a buffer
    rtorrent   ///< the chunks of `rtorrent`, through a shared mapping of a file in /dev/shm
};

/// Something that is timed by itself: a config and what to divide its time by.
///
/// Two runs are made, one longer than the other, and their difference is divided by the difference
/// of what they did: what comes before and after is in both.
struct bench_case {
    std::string name;
    std::string help; ///< one line: what one operation is
    run_settings settings;
    std::string operations;            ///< where `stats` says how many there were
    std::uint64_t least = 0, most = 0; ///< values of `length_option` in the two runs
    std::string length_option = "workload.operations";
    std::string length_unit;             ///< behind the value, such as "KiB"
    std::uint64_t every_access_part = 1; ///< of the lengths, in the slow runs
    native_program native = native_program::none;
    std::uint64_t native_pages = 0;
    bool costly = false; ///< seconds a run: repeated less
};

const std::vector<bench_case>& bench_cases();

/// Null if there is none of that name.
const bench_case* find_bench_case(const std::string& name);

} // namespace mkclean
