#pragma once

#include "sim/actor.h"
#include "sim/number.h"

#include <array>
#include <bitset>
#include <cstddef>
#include <memory>
#include <vector>

namespace mkclean
{

/// One uninterrupted run of stores by one thread into one page.
struct store_record {
    std::uint64_t id = 0; ///< counts up over the whole run, from 1
    picoseconds time;     ///< of its first byte
    actor_id by = 0;
    std::uint32_t offset = 0; ///< in the page
    std::vector<std::byte> bytes;
    std::uint32_t end() const { return offset + static_cast<std::uint32_t>(bytes.size()); }
    bool covers(std::uint32_t at) const { return at >= offset && at < end(); }
};

using page_bytes = std::array<std::byte, page_size>;

/// What one page of a file should hold, and how it came to: the versions of every byte since the
/// last time all of them were known to be on the media.
class shadow_page
{
public:
    void store(std::uint64_t id, picoseconds time, actor_id by, std::uint32_t offset,
               const std::byte* bytes, std::size_t length, bool continues);

    /// The kernel has zeroed the bytes from `at` on: what was stored there is as if it never was.
    void zero_from(std::uint32_t at);

    const page_bytes& expected() const { return m_expected; }
    const std::vector<store_record>& stores() const { return m_stores; }

    /// A power cut would leave what is expected: older versions are forgotten.
    void all_durable();
    /// Whether so many stores are remembered that it is worth finding out if they need be.
    bool history_is_long() const { return m_stores.size() >= m_long_history; }
    /// They do: asks again when there are twice as many.
    void keep_history() { m_long_history = 2 * m_stores.size(); }
    /// What every byte held just before store `id` (and all later ones).
    page_bytes version_before(std::uint64_t id) const;
    /// Whether byte `at` had `value` in some version from the one before `id` on.
    bool had_value_since(std::uint64_t id, std::uint32_t at, std::byte value) const;
    /// Whether byte `at` was stored by anybody before store `id`.
    bool stored_before(std::uint64_t id, std::uint32_t at) const;
    /// Whether anybody ever stored `value` there, as far as the history goes back, or it is the
    /// zero of a hole.
    bool ever_had(std::uint32_t at, std::byte value) const
    {
        return value == std::byte{} || had_value_since(0, at, value);
    }
    /// Whether store `id` is among those that put something there.
    bool is_of_store(std::uint32_t at, std::uint64_t id) const;
    /// The store that a byte's expected value is from; null if that was forgotten or never was.
    const store_record* last_store(std::uint32_t at) const;

    /// A reader now sees `found` instead: bytes before `limit` that differ are lost. Returns how
    /// many, and marks them, so that they are counted once until they are stored again.
    std::size_t lose(const page_bytes& found, std::uint32_t limit);
    bool is_lost(std::uint32_t at) const { return m_lost.test(at); }

    /// Bytes that were counted as a broken promise already.
    std::bitset<page_size>& lied() { return m_lied; }

    std::uint64_t promised_before = 0; ///< stores with smaller ids were promised to be durable
    std::uint32_t promised_bytes = 0;  ///< of the page: the rest was behind the end of the file

private:
    static constexpr std::size_t worth_a_look = 256;

    std::size_t m_long_history = worth_a_look;
    page_bytes m_expected{};
    page_bytes m_base{};
    std::bitset<page_size> m_in_base; // bytes that somebody stored, and not the zeros of a hole
    std::vector<store_record> m_stores;
    std::bitset<page_size> m_lost;
    std::bitset<page_size> m_lied;
};

} // namespace mkclean
