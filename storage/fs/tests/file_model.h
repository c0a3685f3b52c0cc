#pragma once

#include "storage/fs/recovery.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

namespace mkclean
{

/// What a file has been, in units of 64 bytes (a beat of the disk's DMA: no write is half in one),
/// and what an fsync has promised of it.
class file_model
{
public:
    static constexpr std::uint64_t unit = 64;
    /// Of some units: after how many writes each; of the file: its size.
    struct state {
        std::map<std::uint64_t, std::size_t> writes;
        std::uint64_t size = 0;
    };

    /// The bytes are in memory. What comes back is for completed(), when the call has returned.
    state wrote(std::uint64_t offset, std::uint64_t length, unsigned value)
    {
        state after;
        for (std::uint64_t at = offset / unit; at < (offset + length) / unit; ++at) {
            m_units[at].values.push_back(static_cast<std::byte>(value));
            after.writes[at] = m_units[at].values.size();
        }
        after.size = offset + length;
        m_size = std::max(m_size, after.size);
        return after;
    }
    state grew(std::uint64_t size)
    {
        m_size = std::max(m_size, size);
        return {{}, size};
    }
    void completed(const state& after)
    {
        for (const auto& [at, writes] : after.writes)
            m_units[at].completed = std::max(m_units[at].completed, writes);
        m_completed_size = std::max(m_completed_size, after.size);
    }

    /// What an fsync that begins now will have promised when it returns.
    state begin_sync() const
    {
        state now;
        for (const auto& [at, u] : m_units)
            now.writes[at] = u.completed;
        now.size = m_completed_size;
        return now;
    }
    void end_sync(const state& promised)
    {
        for (const auto& [at, writes] : promised.writes)
            m_units[at].promised = std::max(m_units[at].promised, writes);
        m_promised_size = std::max(m_promised_size, promised.size);
    }

    /// What is wrong with the file in a filesystem after a power cut; empty if nothing. `ordered`:
    /// also what was never promised may be nothing but what the file has been.
    std::string judge(const recovered_filesystem& fs, std::uint64_t ino, bool ordered) const
    {
        const std::uint64_t size = fs.read_inode(ino).size;
        if (size < m_promised_size || size > m_size)
            return "file " + std::to_string(ino) + " has " + std::to_string(size) + " bytes, " +
                   std::to_string(m_promised_size) + " promised, " + std::to_string(m_size) +
                   " at most";
        std::array<std::byte, page_size> bytes;
        std::uint64_t in_hand = ~std::uint64_t{0};
        for (const auto& [at, u] : m_units) {
            const std::uint64_t offset = at * unit;
            if (offset >= size || (u.promised == 0 && !ordered))
                continue;
            if (offset / page_size != in_hand) {
                in_hand = offset / page_size;
                fs.read_page(ino, in_hand, bytes.data());
            }
            if (!u.may_be(bytes.data() + offset % page_size))
                return "file " + std::to_string(ino) + " at " + std::to_string(offset) + " is " +
                       std::to_string(std::to_integer<int>(bytes[offset % page_size])) +
                       u.expected();
        }
        return {};
    }

    std::uint64_t size() const { return m_size; }
    /// Calls it with offset and value of every unit that was written.
    template <class Visit>
    void for_each_unit(Visit&& visit) const
    {
        for (const auto& [at, u] : m_units)
            visit(at * unit, std::to_integer<unsigned>(u.values.back()));
    }

private:
    struct unit_history {
        std::vector<std::byte> values; // after the zeros of the hole
        std::size_t completed = 0;     // so many of them are visible to whoever syncs
        std::size_t promised = 0;      // so many of them are overwritten, or on the disk

        bool may_be(const std::byte* from) const
        {
            if (!std::all_of(from, from + unit, [&](std::byte b) { return b == *from; }))
                return false;
            if (promised == 0 && *from == std::byte{0})
                return true;
            const auto oldest =
                values.begin() + static_cast<std::ptrdiff_t>(promised == 0 ? 0 : promised - 1);
            return std::find(oldest, values.end(), *from) != values.end();
        }
        std::string expected() const
        {
            std::string text = " of";
            for (const std::byte b : values)
                text += " " + std::to_string(std::to_integer<int>(b));
            return text + ", promised " + std::to_string(promised);
        }
    };

    std::map<std::uint64_t, unit_history> m_units;
    std::uint64_t m_size = 0;
    std::uint64_t m_completed_size = 0;
    std::uint64_t m_promised_size = 0;
};

} // namespace mkclean
