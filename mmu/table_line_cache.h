#pragma once

#include "sim/number.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mkclean
{

class option_set;

/// How far away a core's walker finds a line of page tables: 64 bytes, 8 entries. The lines are the
/// share that page tables get of caches which hold other things as well.
struct table_line_options {
    std::uint64_t l1_lines = 0;   ///< 0 of all levels: every read is one bus transaction
    std::uint64_t l1_latency = 4; ///< cycles
    std::uint64_t l2_lines = 0;
    std::uint64_t l2_latency = 14;
    std::uint64_t l3_lines = 0;
    std::uint64_t l3_latency = 40; ///< also of a line that somebody else has changed

    bool any() const { return l1_lines + l2_lines + l3_lines > 0; }
    void declare(option_set& options);
};

/// The lines of page tables that a core has used last, most recent first: the first so many are in
/// the first level, the next in the second, and so on (Mattson's stack, IBM Systems Journal 9(2),
/// 1970). Knows times, not contents. O(distance) a use.
class table_line_cache
{
public:
    static constexpr std::uint64_t line_size = 64; // bytes

    explicit table_line_cache(const table_line_options& options) : m_options(options) {}

    bool exists() const { return m_options.any(); }
    /// A read of the line that holds `at`, whose 64 bytes are at `now`. Cycles; none: it comes from
    /// memory.
    std::optional<std::uint64_t> read(physical_address at, const std::byte* now);
    /// The core itself has changed the line, which it had just read: into the first cache that
    /// there is. Cycles.
    std::uint64_t change(physical_address at, const std::byte* now);
    /// The fewest cycles that any of it takes.
    std::uint64_t shortest() const;

private:
    struct line {
        std::uint64_t number;
        std::uint64_t contents; ///< a digest: what others have changed has another
    };
    static std::uint64_t digest(const std::byte* bytes);
    std::uint64_t latency_at(std::size_t distance) const;

    table_line_options m_options;
    std::vector<line> m_lines; ///< most recent last
};

} // namespace mkclean
