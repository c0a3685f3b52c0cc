#pragma once

#include "mmu/core.h"
#include "sim/sparse_page.h"

#include <bitset>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

namespace mkclean
{

/// One uninterrupted run of stores by one thread into one page. What it stored is in the page's
/// expected bytes, or among the old bytes of a later record.
struct store_record {
    std::uint64_t id = 0;     ///< id_of() its first byte
    std::uint32_t epoch = 0;  ///< of the page, when it began
    std::uint32_t old_at = 0; ///< where what it replaced is remembered
    actor_id by = 0;
    std::uint16_t offset = 0; ///< in the page
    std::uint16_t length = 0; ///< bytes

    /// Orders stores and syncs by their time and then by core, whoever tells of them first: a core
    /// may run ahead. No core does two of them at one instant.
    /// Up to 2^58 ps, 80 hours.
    static std::uint64_t id_of(picoseconds time, unsigned core)
    {
        return time.raw() * most_cores + core;
    }
    picoseconds time() const { return picoseconds(id / most_cores); }
    static constexpr std::uint64_t most_cores = 64;

    std::uint32_t end() const { return std::uint32_t{offset} + length; }
    bool covers(std::uint32_t at) const { return at >= offset && at < end(); }
};

/// What one page of a file should hold, and how it came to: the versions of every byte since the
/// last time all of them were known to be on the media.
///
/// The present is kept whole and the past as what each store replaced, so that a store costs what
/// its bytes cost. A store to where the page's latest store to that place was takes over its record
/// unless somebody may have seen what is replaced: a device that read the page, or a sync that has
/// begun since. So a page whose words are stored to needs no more memory than 512 records for every
/// such look, however often they are counted up. (Of stores that begin in the same word, but with
/// another byte or length, only the latest can be taken over: who stores to the halves of a word in
/// turn adds a record each time, until the page is durable.)
class shadow_page
{
public:
    /// `promises` counts the syncs that have begun.
    void store(std::uint64_t id, actor_id by, std::uint32_t offset, const std::byte* bytes,
               std::size_t length, store_part part, std::uint64_t promises)
    {
        see_promises(promises);
        if (part == store_part::whole) {
            store_record* const same = latest_in_granule(offset);
            if (same != nullptr && may_take_over(*same, offset, length)) {
                same->id = id;
                same->by = by;
                m_goes_on = false;
                overwrite(offset, bytes, length);
                return;
            }
        }
        store_slowly(id, by, offset, bytes, length, part);
    }

    /// write(2): a store that is never taken over, for a sync may have to make an exception of it.
    void write(std::uint64_t id, actor_id by, std::uint32_t offset, const std::byte* bytes,
               std::size_t length, std::uint64_t promises);
    /// A device has read some of the page: what it holds now may turn up on the media.
    void sampled() { ++m_epoch; }

    /// The kernel has zeroed the bytes from `at` on: what was stored there is as if it never was.
    void zero_from(std::uint32_t at);

    /// The file was cut off there: the same, and nobody has ever stored there.
    void forget_from(std::uint32_t at);

    const sparse_page& expected() const { return m_expected; }
    /// By their ids, but for those within an epoch.
    const std::vector<store_record>& stores() const { return m_records; }

    /// A power cut would leave what is expected: older versions are forgotten.
    void all_durable();
    /// Whether so many stores are remembered that it is worth finding out if they need be.
    bool history_is_long() const { return m_records.size() >= m_long_history; }
    /// They do: asks again when there are twice as many.
    void keep_history() { m_long_history = 2 * m_records.size(); }
    /// What every byte held just before store `id` (and all later ones). Here as in what follows,
    /// `id` is one that a sync began at, or 0, or that of a write(2).
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
    bool is_lost(std::uint32_t at) const { return m_lost != nullptr && m_lost->test(at); }

    /// Bytes that were counted as a broken promise already, until they are stored again.
    bool is_lied(std::uint32_t at) const { return m_lied != nullptr && m_lied->test(at); }
    void lie(std::uint32_t at) { mark(m_lied, at); }

    std::uint64_t promised_before = 0; ///< stores with smaller ids were promised to be durable
    std::uint32_t promised_bytes = 0;  ///< of the page: the rest was behind the end of the file
    bool unpromised = false;           ///< stored to since the last promise

private:
    /// Few pages ever need one.
    using byte_marks = std::unique_ptr<std::bitset<page_size>>;
    static constexpr std::size_t worth_a_look = 256;
    static constexpr std::size_t worth_an_index = 16;
    static constexpr std::uint32_t granule = 8; // bytes: a store of one word
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};

    void see_promises(std::uint64_t promises)
    {
        if (promises == m_promises)
            return;
        m_promises = promises;
        m_goes_on = false;
        ++m_epoch;
    }
    /// The latest record that begins in the granule that `offset` is in, or null.
    store_record* latest_in_granule(std::uint32_t offset)
    {
        if (!m_latest.empty()) {
            const std::uint32_t at = m_latest[offset / granule];
            return at == nobody ? nullptr : &m_records[at];
        }
        for (auto record = m_records.rbegin(); record != m_records.rend(); ++record)
            if (record->offset / granule == offset / granule)
                return &*record;
        return nullptr;
    }
    bool may_take_over(const store_record& earlier, std::uint32_t offset, std::size_t length) const
    {
        return earlier.offset == offset && earlier.length == length && earlier.epoch == m_epoch;
    }
    void overwrite(std::uint32_t offset, const std::byte* bytes, std::size_t length)
    {
        std::byte* const in_place = m_expected.find(offset, length);
        if (in_place != nullptr && length == granule)
            std::memcpy(in_place, bytes, granule);
        else
            m_expected.write(offset, bytes, length);
        if (m_lost != nullptr || m_lied != nullptr)
            clear_marks(offset, length);
    }
    void store_slowly(std::uint64_t id, actor_id by, std::uint32_t offset, const std::byte* bytes,
                      std::size_t length, store_part part);
    void begin_record(const store_record& record);
    void remember_replaced(std::uint32_t offset, std::size_t length);
    void give_to_predecessor();
    void index_records();
    std::uint32_t number_of(const store_record& record) const;
    void clear_marks(std::uint32_t offset, std::size_t length);
    static void mark(byte_marks& marks, std::uint32_t at);
    std::byte replaced(const store_record& by, std::uint32_t at) const
    {
        return m_replaced[by.old_at + (at - by.offset)];
    }

    sparse_page m_expected;
    std::vector<store_record> m_records;
    std::vector<std::byte> m_replaced;    // by the records, one after the other
    std::vector<std::uint32_t> m_latest;  // record that begins in each granule, once there are many
    std::uint32_t m_predecessor = nobody; // of the record that goes on, in its granule
    std::uint32_t m_epoch = 1;
    std::uint64_t m_promises = 0;
    std::size_t m_long_history = worth_a_look;
    bool m_goes_on = false; // the last record may be continued
    byte_marks m_in_base;   // bytes that somebody stored, before all that is remembered
    byte_marks m_lost;
    byte_marks m_lied;
};

} // namespace mkclean
