#include "storage/disk/controller.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site command_fetched{"disk_fetched", place::disk, show_disk_sectors};
const step_site first_beat{"disk_first_beat", place::disk, show_disk_sectors};
const step_site last_beat{"disk_last_beat", place::disk, show_disk_sectors};
const step_site in_cache{"disk_in_cache", place::disk, show_disk_sectors};

/// The CRC of a T10 DIF guard tag.
std::uint16_t crc_t10dif(const std::array<std::byte, sector_size>& sector)
{
    constexpr unsigned polynomial = 0x8bb7;
    unsigned crc = 0;
    for (const std::byte b : sector) {
        crc ^= std::to_integer<unsigned>(b) << 8U;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc << 1U) ^ ((crc & 0x8000U) != 0 ? polynomial : 0U);
    }
    return static_cast<std::uint16_t>(crc & 0xffffU);
}

constexpr std::uint64_t second = 1'000'000'000'000; // ps

} // namespace

picoseconds disk_controller::beat_time(std::size_t bytes) const
{
    return picoseconds((bytes * second + m_options.dma_bandwidth - 1) / m_options.dma_bandwidth);
}

void disk_controller::run_interface(engine& self)
{
    try {
        for (;;) {
            wait_for(self, m_interface_work,
                     [this] { return may_fetch() || next_transfer() != no_slot; });
            const picoseconds began = self.now();
            // Commands first: the more of them the mechanism knows, the better it chooses.
            if (may_fetch()) {
                const unsigned index = m_issued.front();
                m_issued.pop_front();
                fetch(self, index);
            } else {
                const unsigned index = next_transfer();
                if (m_slots[index].now == stage::to_cache)
                    move_to_cache(self, index);
                else
                    move_to_memory(self, index);
            }
            m_stats.interface_busy += self.now() - began;
        }
    } catch (const power_lost&) {
    }
}

bool disk_controller::may_fetch() const
{
    return !m_issued.empty() && m_active.size() < m_options.queue_depth;
}

unsigned disk_controller::next_transfer() const
{
    for (const unsigned index : m_active) {
        if (m_slots[index].now == stage::to_cache || m_slots[index].now == stage::to_memory)
            return index;
    }
    return no_slot;
}

bool disk_controller::fetch_bytes(engine& self, physical_address from, std::byte* to,
                                  std::size_t bytes)
{
    picoseconds taken;
    try {
        taken = m_bus.read(from, to, bytes);
    } catch (const bus_error&) {
        return false;
    }
    pause_until(self, self.now() + std::max(taken, beat_time(bytes)));
    return true;
}

bool disk_controller::fetch_command(engine& self, unsigned index)
{
    const undivided whole(self); // nobody changes a command that he has issued
    slot& s = m_slots[index];
    const physical_address list(m_list);
    if (!addressable(list, disk_slots * disk_command::bytes))
        return false;
    std::array<std::byte, disk_command::bytes> header;
    if (!fetch_bytes(self, list + index * disk_command::bytes, header.data(), header.size()))
        return false;
    s.command = disk_command::decode(header.data());
    if (!s.command.makes_sense(m_media.capacity()))
        return false;
    if (s.command.is(disk_opcode::flush))
        return true;

    std::vector<std::byte> table(s.command.segments * disk_segment::bytes);
    for (std::size_t at = 0; at < table.size();) {
        const std::size_t bytes = std::min<std::size_t>(m_options.dma_beat, table.size() - at);
        if (!fetch_bytes(self, s.command.table + at, table.data() + at, bytes))
            return false;
        at += bytes;
    }
    for (std::size_t at = 0; at < table.size(); at += disk_segment::bytes)
        s.segments.push_back(disk_segment::decode(table.data() + at));
    return segments_make_sense(s.segments, s.command.sectors);
}

void disk_controller::fetch(engine& self, unsigned index)
{
    if (!fetch_command(self, index)) {
        complete(self, index, false);
        return;
    }
    const disk_command& c = m_slots[index].command;
    self.note(command_fetched, {}, c.first.raw(), c.sectors);
    const std::uint64_t overhead = c.is(disk_opcode::read)    ? m_options.read_overhead
                                   : c.is(disk_opcode::write) ? m_options.write_overhead
                                                              : m_options.flush_overhead;
    pause_until(self, self.now() + overhead);
    begin(self, index);
}

void disk_controller::begin(engine& self, unsigned index)
{
    slot& s = m_slots[index];
    m_active.push_back(index);
    if (s.command.is(disk_opcode::write)) {
        s.durable = !m_options.write_cache || (s.command.flags & disk_command::fua) != 0;
        if (s.durable)
            s.versions.resize(s.command.sectors);
        s.now = stage::to_cache;
    } else if (s.command.is(disk_opcode::read)) {
        s.buffer.resize(s.command.sectors * sector_size);
        const sector_run missing = missing_from_cache(s);
        if (missing.count == 0) {
            gather(self, index, missing); // the mechanism may be far away
        } else {
            s.now = stage::from_media;
            m_mechanism_work.wake_all();
        }
    } else if (m_cache.oldest() > m_cache.latest()) {
        complete(self, index, true);
    } else {
        s.flush_up_to = m_cache.latest();
        s.now = stage::flushing;
        m_mechanism_work.wake_all();
    }
}

template <class Move>
bool disk_controller::move_sector(engine& self, slot& s, Move&& move)
{
    for (std::uint32_t at = 0; at < sector_size;) {
        const disk_segment& segment = s.segments[s.segment];
        const std::uint64_t bytes = std::min({m_options.dma_beat, sector_size - at,
                                              std::uint64_t{segment.length} - s.segment_offset});
        if (s.moved == 0 && at == 0)
            self.note(first_beat, {}, s.command.first.raw(), s.command.sectors);
        if (s.moved + 1 == s.command.sectors && at + bytes == sector_size)
            self.note(last_beat, {}, s.command.first.raw(), s.command.sectors);
        picoseconds taken;
        try {
            taken = move(segment.address + s.segment_offset, at, bytes);
        } catch (const bus_error&) {
            return false;
        }
        const bool ends = s.segment_offset + bytes == segment.length;
        self.set_undivided(!ends); // to an explorer a segment is one move
        pause_until(self, self.now() + std::max(taken, beat_time(bytes)));
        self.set_undivided(false);
        at += static_cast<std::uint32_t>(bytes);
        s.segment_offset += static_cast<std::uint32_t>(bytes);
        if (s.segment_offset == segment.length) {
            ++s.segment;
            s.segment_offset = 0;
        }
    }
    ++s.moved;
    return true;
}

// The first pass over memory. False if nobody answers there.
bool disk_controller::guard_sectors(engine& self, slot& s)
{
    std::array<std::byte, sector_size> sector;
    while (s.moved < s.command.sectors) {
        const bool arrived =
            move_sector(self, s, [&](physical_address from, std::size_t to, std::size_t bytes) {
                return m_bus.read(from, sector.data() + to, bytes);
            });
        if (!arrived)
            return false;
        s.guards.push_back(crc_t10dif(sector));
    }
    s.segment = 0;
    s.segment_offset = 0;
    s.moved = 0;
    return true;
}

void disk_controller::move_to_cache(engine& self, unsigned index)
{
    slot& s = m_slots[index];
    if (m_options.checksums && s.guards.empty() && !guard_sectors(self, s)) {
        complete(self, index, false);
        return;
    }
    std::array<std::byte, sector_size> sector;
    while (s.moved < s.command.sectors) {
        const sector_number at = s.at(s.moved);
        if (!m_cache.has_room_for(at)) {
            ++m_stats.room_waits;
            s.now = stage::no_room;
            m_mechanism_work.wake_all();
            return;
        }
        const bool arrived =
            move_sector(self, s, [&](physical_address from, std::size_t to, std::size_t bytes) {
                return m_bus.read(from, sector.data() + to, bytes);
            });
        const bool intact =
            arrived && (s.guards.empty() || s.guards[s.moved - 1] == crc_t10dif(sector));
        if (!intact || m_defects.erase(at.raw()) > 0) {
            complete(self, index, false);
            return;
        }
        const volatile_write_cache::version accepted = m_cache.put(at, sector.data());
        if (s.durable)
            s.versions[s.moved - 1] = accepted;
        if (m_cache.held_sectors() * 2 > m_cache.capacity_sectors())
            m_mechanism_work.wake_all();
    }
    self.note(in_cache, {}, s.command.first.raw(), s.command.sectors);
    if (!s.durable || s.landed == s.command.sectors) {
        complete(self, index, true);
        return;
    }
    s.now = stage::to_media;
    m_mechanism_work.wake_all();
}

void disk_controller::move_to_memory(engine& self, unsigned index)
{
    slot& s = m_slots[index];
    while (s.moved < s.command.sectors) {
        const std::byte* const sector = s.buffer.data() + s.moved * sector_size;
        const bool left =
            move_sector(self, s, [&](physical_address to, std::size_t from, std::size_t bytes) {
                return m_bus.write(to, sector + from, bytes);
            });
        if (!left) {
            complete(self, index, false);
            return;
        }
    }
    complete(self, index, true);
}

} // namespace mkclean
