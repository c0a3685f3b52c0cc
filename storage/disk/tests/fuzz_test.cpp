#include "storage/disk/tests/disk_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace mkclean;

namespace
{

/// Reproducible on every platform, unlike the distributions of the standard library.
class dice
{
public:
    explicit dice(std::uint64_t seed) : m_random(seed) {}

    std::uint64_t below(std::uint64_t bound) { return m_random() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    std::uint64_t bits() { return m_random(); }
    /// Mostly near something: 0, a power of two, all ones.
    std::uint64_t nasty()
    {
        switch (below(4)) {
        case 0:
            return below(4);
        case 1:
            return (std::uint64_t{1} << below(64)) - below(3);
        case 2:
            return ~below(4096);
        default:
            return bits();
        }
    }

private:
    std::mt19937_64 m_random;
};

disk_options random_options(dice& d)
{
    disk_options options = disk_world::quick_options();
    options.capacity = 1 + d.below(300);
    options.never_written = leftover::zeros;
    options.write_cache = !d.one_in(3);
    options.cache_size = 512 * (1 + d.below(d.one_in(2) ? 4 : 64));
    options.destage = d.one_in(2) ? destage_order::elevator : destage_order::fifo;
    options.destage_idle = d.below(500) * disk_world::us;
    options.destage_run = 1 + d.below(16);
    options.queue_depth = 1 + d.below(32);
    options.scheduling = d.one_in(2) ? disk_scheduling::fcfs : disk_scheduling::nearest;
    options.dma_beat = d.one_in(2) ? 64 : 1 + d.below(512);
    if (d.one_in(2)) {
        options.kind = disk_kind::rotating;
        options.rotating.rpm = 60'000; // turns in 1 ms
        options.rotating.surfaces = 2;
        options.rotating.zones = {{0, 5, 20, 3, 4, 2}, {6, 9, 10, 1, 2, 0}};
    }
    return options;
}

} // namespace

TEST_CASE("whatever stands in memory and is written to the registers, every slot ends")
{
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        CAPTURE(seed);
        dice d(seed);
        disk_world world(random_options(d), 0x4000);
        for (std::size_t at = 0; at < world.memory.size(); at += 8) {
            const std::uint64_t word = d.one_in(2) ? d.nasty() : d.below(0x5000);
            std::memcpy(world.memory.at(physical_address(at), 8), &word, 8);
        }
        // Headers that get further than a look at the opcode; tables and data anywhere, so that
        // commands overwrite tables and headers, their own too.
        const std::uint64_t plausible = d.below(33);
        for (std::uint64_t slot = 0; slot < plausible; ++slot) {
            disk_command c;
            c.opcode = static_cast<std::uint8_t>(d.one_in(8) ? d.bits() : 1 + d.below(3));
            c.flags = static_cast<std::uint8_t>(d.one_in(8) ? d.bits() : d.below(2));
            c.segments = static_cast<std::uint16_t>(d.one_in(8) ? d.nasty() : 1 + d.below(3));
            c.sectors = static_cast<std::uint32_t>(d.one_in(8) ? d.nasty() : 1 + d.below(12));
            c.first = sector_number(d.one_in(8) ? d.nasty() : d.below(300));
            c.table = physical_address(d.one_in(8) ? d.nasty() : d.below(0x4000));
            const auto header = c.encode();
            std::memcpy(world.memory.at(disk_world::list + slot * 32, 32), header.data(), 32);
            std::uint64_t left = std::uint64_t{c.sectors} * sector_size;
            for (std::uint64_t i = 0; i < c.segments && i < 3; ++i) {
                const std::uint64_t length = i + 1 == c.segments ? left : d.below(left + 1);
                left -= length;
                const auto segment =
                    disk_segment{physical_address(d.one_in(16) ? d.nasty() : d.below(0x4000)),
                                 static_cast<std::uint32_t>(length)}
                        .encode();
                if (c.table.raw() + i * 16 < 0x3ff0)
                    std::memcpy(world.memory.at(c.table + i * 16, 16), segment.data(), 16);
            }
        }

        std::uint64_t when = 0;
        for (unsigned i = 0; i < 20; ++i) {
            when += d.below(100) * disk_world::us;
            const std::uint64_t offset = d.one_in(8)   ? d.nasty()
                                         : d.one_in(2) ? disk_register::issue
                                                       : 4 * d.below(13);
            const auto value = static_cast<std::uint32_t>(
                offset == disk_register::list_lo && !d.one_in(4)   ? disk_world::list.raw()
                : offset == disk_register::list_hi && !d.one_in(4) ? 0
                                                                   : d.nasty());
            world.at(when, [&world, offset, value] {
                world.disk().write_register(offset, value);
                world.disk().read_register(offset);
            });
        }
        const bool cut = d.one_in(4);
        if (cut)
            world.at(d.below(when + 1), [&world] { world.disk().cut_power(); });

        // Nothing here takes ten seconds; a loop without end would.
        REQUIRE(world.exec.run(picoseconds(10'000'000'000'000)) == executor::outcome::idle);
        if (!cut) {
            CHECK(world.disk().read_register(disk_register::issue) == 0);
            CHECK(world.disk().cache().empty()); // it was idle in the end
        }
    }
}

namespace
{

/// A host that writes, reads, flushes and pulls the plug, and knows for each sector which versions
/// a reader and a power cut may show. Outstanding commands never share a sector.
class careful_host
{
public:
    explicit careful_host(std::uint64_t seed) : m_dice(seed), m_world(options(), 0x30000)
    {
        m_history.resize(sectors, {0});
        m_completed.resize(sectors, 0);
        m_promised.resize(sectors, 0);
        m_busy.resize(sectors, false);
    }

    void work()
    {
        m_world.on_interrupt = [this] { reap(); };
        std::uint64_t when = 0;
        for (unsigned i = 0; i < 60; ++i) {
            m_world.at(when, [this] { act(); });
            when += m_dice.one_in(4) ? m_dice.below(2000 * disk_world::us)
                                     : m_dice.below(10 * disk_world::us);
        }
        if (m_dice.one_in(2)) {
            m_world.at(m_dice.below(when), [this] { m_world.disk().cut_power(); });
            m_world.run();
            for (std::uint64_t s = 0; s < sectors; ++s)
                check_after_cut(s);
        } else {
            m_world.run();
            for (std::uint64_t s = 0; s < sectors; ++s)
                CHECK(durable_tag(s) == m_history[s].back());
        }
    }

private:
    static constexpr std::uint64_t sectors = 24;
    static constexpr std::uint64_t most = 6; // in one command

    struct request {
        bool outstanding = false;
        disk_opcode opcode = disk_opcode::read;
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        std::uint64_t tag = 0;
        bool fua = false;
        std::vector<std::size_t> done_before; // a flush: versions done when it was issued
    };

    disk_options options()
    {
        disk_options options = random_options(m_dice);
        options.capacity = sectors;
        return options;
    }

    static physical_address where(unsigned slot)
    {
        return disk_world::data + slot * (most * sector_size);
    }

    void act()
    {
        if (!m_world.disk().powered())
            return;
        unsigned slot = 0;
        while (slot < 32 && m_requests[slot].outstanding)
            ++slot;
        if (slot == 32)
            return;
        request r;
        r.outstanding = true;
        const std::uint64_t what = m_dice.below(8);
        r.opcode = what == 0  ? disk_opcode::flush
                   : what < 3 ? disk_opcode::read
                              : disk_opcode::write;
        if (r.opcode == disk_opcode::flush) {
            r.done_before = m_completed;
        } else {
            r.first = m_dice.below(sectors);
            r.count = 1 + m_dice.below(std::min(most, sectors - r.first));
            for (std::uint64_t s = r.first; s < r.first + r.count; ++s) {
                if (m_busy[s])
                    return;
            }
            for (std::uint64_t s = r.first; s < r.first + r.count; ++s)
                m_busy[s] = true;
        }
        if (r.opcode == disk_opcode::write) {
            r.tag = ++m_tag % 255 + 1;
            r.fua = m_dice.one_in(4);
            m_world.fill(where(slot), r.count * sector_size, static_cast<unsigned>(r.tag));
            for (std::uint64_t s = r.first; s < r.first + r.count; ++s)
                m_history[s].push_back(r.tag);
        }
        m_world.prepare(slot, r.opcode, r.first, static_cast<std::uint32_t>(r.count), where(slot),
                        r.fua);
        m_requests[slot] = r;
        m_world.issue(slot);
    }

    void reap()
    {
        disk_controller& disk = m_world.disk();
        const std::uint32_t done = disk.read_register(disk_register::done);
        CHECK(disk.read_register(disk_register::failed) == 0);
        disk.write_register(disk_register::done, done);
        for (unsigned slot = 0; slot < 32; ++slot) {
            if ((done >> slot & 1) != 0)
                finish(slot);
        }
    }

    void finish(unsigned slot)
    {
        request& r = m_requests[slot];
        REQUIRE(r.outstanding);
        r.outstanding = false;
        for (std::uint64_t i = 0; i < r.count; ++i) {
            const std::uint64_t s = r.first + i;
            m_busy[s] = false;
            if (r.opcode == disk_opcode::read && m_history[s].size() > 1)
                CHECK(m_world.holds(where(slot) + i * sector_size, sector_size,
                                    static_cast<unsigned>(m_history[s].back())));
            if (r.opcode == disk_opcode::write) {
                m_completed[s] = m_history[s].size() - 1;
                CHECK(m_world.current(s, static_cast<unsigned>(r.tag)));
                if (r.fua || m_world.disk().read_register(disk_register::features) == 0) {
                    m_promised[s] = m_completed[s];
                    CHECK(m_world.durable(s, static_cast<unsigned>(r.tag)));
                }
            }
        }
        for (std::uint64_t s = 0; s < r.done_before.size(); ++s)
            m_promised[s] = std::max(m_promised[s], r.done_before[s]);
    }

    std::uint64_t durable_tag(std::uint64_t sector)
    {
        std::array<std::byte, sector_size> bytes;
        m_world.disk().read_durable(sector_number(sector), 1, bytes.data());
        const unsigned tag = std::to_integer<unsigned>(bytes[0]);
        CHECK(disk_world::all_are(bytes.data(), bytes.size(), tag)); // never a mixture
        return tag;
    }

    void check_after_cut(std::uint64_t sector)
    {
        CAPTURE(sector);
        const std::uint64_t tag = durable_tag(sector);
        const auto& history = m_history[sector];
        const auto from = history.begin() + static_cast<std::ptrdiff_t>(m_promised[sector]);
        CHECK(std::find(from, history.end(), tag) != history.end());
    }

    dice m_dice;
    disk_world m_world;
    std::array<request, 32> m_requests;
    std::vector<std::vector<std::uint64_t>> m_history; // of each sector's tags; 0: never written
    std::vector<std::size_t> m_completed;              // index into it: the last that was done
    std::vector<std::size_t> m_promised;               // index into it: not older after a cut
    std::vector<bool> m_busy;
    std::uint64_t m_tag = 0;
};

} // namespace

TEST_CASE("reads show the newest data, and a cut at any time keeps what flush and FUA promised")
{
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        CAPTURE(seed);
        careful_host(seed).work();
    }
}

TEST_CASE("the same run twice gives the same events at the same picoseconds")
{
    std::vector<disk_world::logged> first;
    for (unsigned run = 0; run < 2; ++run) {
        dice d(42);
        disk_options options;
        options.scheduling = disk_scheduling::nearest;
        options.cache_size = 64 * 512;
        disk_world world(options);
        for (unsigned slot = 0; slot < 32; ++slot) {
            world.prepare(slot, static_cast<disk_opcode>(1 + d.below(3)), d.below(17'000'000), 8,
                          disk_world::data + slot * 4096, d.one_in(4));
            world.at(d.below(100) * disk_world::us, [&world, slot] { world.issue(slot); });
        }
        world.run();
        if (run == 0)
            first = world.events();
        REQUIRE(first.size() == world.events().size());
        CHECK(first.size() > 100);
        for (std::size_t i = 0; i < first.size(); ++i) {
            CHECK(first[i].name == world.events()[i].name);
            CHECK(first[i].time == world.events()[i].time);
            CHECK(first[i].first == world.events()[i].first);
        }
    }
}
