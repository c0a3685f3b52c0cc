#include "storage/block/block_device.h"
#include "storage/disk/command.h"

#include <algorithm>
#include <utility>

namespace mkclean
{

namespace
{

std::string show_sectors(std::uint64_t first, std::uint64_t is_write)
{
    return (is_write != 0 ? "write from sector " : "read from sector ") + std::to_string(first);
}

std::string show_completion(std::uint64_t, std::uint64_t fine)
{
    return fine != 0 ? "done" : "failed";
}

const step_site site_submit{"submit_bh", place::disk, show_sectors};
const step_site site_end_io{"end_io", place::disk, show_completion};

constexpr std::uint64_t table_bytes = page_size / 2; // 128 segments of 16 bytes
constexpr unsigned tables_per_frame = page_size / table_bytes;

physical_address address_of_buffer(const buffer_head& bh)
{
    return address_of(bh.owner->frame) + bh.offset_in_page();
}

} // namespace

block_device::block_device(const block_options& options, page_cache& cache, physical_memory& memory,
                           bus_port& bus, physical_address registers)
    : m_options(options),
      m_cache(cache),
      m_memory(memory),
      m_bus(bus),
      m_registers(registers),
      m_list(address_of(cache.alloc_boot_page().frame))
{
    for (unsigned i = 0; i < disk_slots / tables_per_frame; ++i)
        m_tables.push_back(&cache.alloc_boot_page());
}

block_device::~block_device() = default;

physical_address block_device::table_of(unsigned slot) const
{
    return address_of(m_tables[slot / tables_per_frame]->frame) +
           (slot % tables_per_frame) * table_bytes;
}

void block_device::write_register(actor& self, std::uint64_t offset, std::uint32_t value)
{
    self.spend(self.cost().mmio_write);
    self.sync();
    m_bus.write(m_registers + offset, &value, sizeof value);
}

std::uint32_t block_device::read_register(actor& self, std::uint64_t offset)
{
    self.spend(self.cost().mmio_read);
    self.sync();
    std::uint32_t value = 0;
    m_bus.read(m_registers + offset, &value, sizeof value);
    return value;
}

void block_device::submit(actor& self, block_op op, buffer_head& bh, bool fua)
{
    const std::uint64_t sectors = bh.size / sector_size;
    const std::uint64_t first = bh.blocknr.raw() * sectors;
    self.spend(self.cost().submit_bio);
    self.block_until(m_room, [this] { return m_by_sector.size() < m_options.nr_requests; });
    const lock_guard<irq_spinlock> guard(self, m_lock);
    self.note(site_submit, subject_of(bh), first, op == block_op::write ? 1 : 0);
    if (op == block_op::write) {
        ++m_stats.blocks_written;
        m_stats.sectors_written += sectors;
    } else {
        ++m_stats.blocks_read;
    }
    if (merge(op, bh, first, sectors, fua)) {
        m_room.wake_one(); // the room that it was woken for, perhaps, is still there
    } else {
        request r;
        r.op = op;
        r.fua = fua;
        r.first = first;
        r.sectors = sectors;
        r.buffers = {&bh};
        enqueue(std::move(r));
    }
    dispatch(self);
}

bool block_device::merge(block_op op, buffer_head& bh, std::uint64_t first, std::uint64_t sectors,
                         bool fua)
{
    const auto before = m_by_end.find(first);
    if (before == m_by_end.end() || fua)
        return false;
    request& r = m_by_sector.at(before->second);
    if (r.op != op || r.fua || r.buffers.size() >= m_options.max_segments)
        return false;
    r.buffers.push_back(&bh);
    r.sectors += sectors;
    const request_key key = before->second;
    m_by_end.erase(before);
    m_by_end[r.end()] = key;
    ++m_stats.merges;
    return true;
}

void block_device::enqueue(request r)
{
    const std::uint64_t arrival = m_arrivals++;
    const std::uint64_t order = m_options.order == elevator::cscan ? r.first : arrival;
    const request_key key{order, arrival};
    m_by_end[r.end()] = key;
    m_by_sector.emplace(key, std::move(r));
    m_stats.max_queued = std::max<std::uint64_t>(m_stats.max_queued, m_by_sector.size());
}

block_device::request block_device::take_next()
{
    if (!m_flushes.empty()) {
        request flush = std::move(m_flushes.front());
        m_flushes.erase(m_flushes.begin());
        return flush;
    }
    auto next = m_by_sector.begin();
    if (m_options.order == elevator::cscan) {
        next = m_by_sector.lower_bound({m_arm, 0});
        if (next == m_by_sector.end())
            next = m_by_sector.begin();
    }
    request r = std::move(next->second);
    const auto end = m_by_end.find(r.end());
    if (end != m_by_end.end() && end->second == next->first)
        m_by_end.erase(end);
    m_by_sector.erase(next);
    m_room.wake_one();
    m_arm = r.end();
    return r;
}

void block_device::dispatch(actor& self)
{
    if (!m_interrupts_enabled) {
        m_interrupts_enabled = true;
        write_register(self, disk_register::list_lo, static_cast<std::uint32_t>(m_list.raw()));
        write_register(self, disk_register::list_hi,
                       static_cast<std::uint32_t>(m_list.raw() >> 32));
        write_register(self, disk_register::interrupt_enable, 1);
    }
    while (m_in_flight < m_options.queue_depth && !(m_by_sector.empty() && m_flushes.empty())) {
        const auto free = std::find(m_slots.begin(), m_slots.end(), nullptr);
        const auto slot = static_cast<unsigned>(free - m_slots.begin());
        ++m_in_flight;
        start(self, slot, take_next());
    }
}

void block_device::start(actor& self, unsigned slot, request r)
{
    disk_command command;
    command.opcode = static_cast<std::uint8_t>(r.flush                  ? disk_opcode::flush
                                               : r.op == block_op::read ? disk_opcode::read
                                                                        : disk_opcode::write);
    command.flags = r.fua ? disk_command::fua : 0;
    command.segments = static_cast<std::uint16_t>(r.buffers.size());
    command.sectors = static_cast<std::uint32_t>(r.sectors);
    command.first = sector_number(r.first);
    command.table = table_of(slot);

    physical_address at = command.table;
    for (const buffer_head* bh : r.buffers) {
        const auto entry = disk_segment{address_of_buffer(*bh), bh->size}.encode();
        m_memory.write(at, entry.data(), entry.size());
        at += physical_address(entry.size());
    }
    const auto header = command.encode();
    m_memory.write(m_list + slot * disk_command::bytes, header.data(), header.size());

    (r.flush ? m_stats.flushes : r.op == block_op::read ? m_stats.reads : m_stats.writes) += 1;
    vmstat& vm = m_cache.stats;
    if (!r.flush)
        (r.op == block_op::read ? vm.pgpgin : vm.pgpgout) += r.sectors / 2;
    m_slots[slot] = std::make_unique<request>(std::move(r));
    write_register(self, disk_register::issue, 1u << slot);
}

void block_device::handle_interrupt(actor& self)
{
    const std::uint32_t done = read_register(self, disk_register::done);
    const std::uint32_t failed = read_register(self, disk_register::failed);
    if (done != 0)
        write_register(self, disk_register::done, done);
    if (failed != 0)
        write_register(self, disk_register::failed, failed);
    for (unsigned slot = 0; slot < disk_slots; ++slot) {
        // Without power every register reads as all ones: whatever is outstanding has failed.
        if (((done | failed) >> slot & 1) == 0 || m_slots[slot] == nullptr)
            continue;
        const std::unique_ptr<request> r = std::move(m_slots[slot]);
        complete(self, *r, (failed >> slot & 1) == 0);
        const lock_guard<irq_spinlock> guard(self, m_lock);
        --m_in_flight;
        dispatch(self);
    }
}

void block_device::complete(actor& self, request& r, bool success)
{
    if (r.flush) {
        *r.done = true;
        m_flush_waiters.wake_all();
        return;
    }
    for (buffer_head* bh : r.buffers) {
        self.spend(self.cost().function);
        self.sync();
        self.note(site_end_io, subject_of(*bh), 0, success ? 1 : 0);
        bh->completion->end_io(self, *bh, success);
    }
}

void block_device::issue_flush(actor& self)
{
    bool done = false;
    request r;
    r.flush = true;
    r.done = &done;
    {
        const lock_guard<irq_spinlock> guard(self, m_lock);
        m_flushes.push_back(std::move(r));
        dispatch(self);
    }
    self.block_until(m_flush_waiters, [&] { return done; });
}

} // namespace mkclean
