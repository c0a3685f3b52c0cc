#include "storage/disk/controller.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace mkclean
{

namespace
{

const step_site command_done{"disk_done", place::disk, show_disk_sectors};
const step_site command_failed{"disk_failed", place::disk, show_disk_sectors};

std::uint32_t bit(unsigned slot)
{
    return std::uint32_t{1} << slot;
}

std::uint32_t low_word(std::uint64_t value)
{
    return static_cast<std::uint32_t>(value);
}
std::uint32_t high_word(std::uint64_t value)
{
    return static_cast<std::uint32_t>(value >> 32);
}

const disk_options& checked(const disk_options& options, const disk_media& media,
                            const access_timing& timing)
{
    check(options);
    if (media.capacity() > timing.capacity())
        throw std::invalid_argument(
            "disk_controller: the media has " + std::to_string(media.capacity()) +
            " sectors, the mechanism reaches " + std::to_string(timing.capacity()));
    return options;
}

} // namespace

std::string show_disk_sectors(std::uint64_t first, std::uint64_t count)
{
    return "sector " + std::to_string(first) + " +" + std::to_string(count);
}

disk_controller::disk_controller(const disk_options& options, const disk_connections& to,
                                 disk_media& media, access_timing& timing)
    : m_options(checked(options, media, timing)),
      m_executor(to.exec),
      m_bus(to.bus),
      m_interrupt(to.interrupt),
      m_media(media),
      m_timing(timing),
      m_cache(options.cache_size),
      m_idle_timer(to.exec, to.priority + 1, [this] { m_mechanism_work.wake_all(); }),
      m_interface(to.exec, to.log, to.cost, to.name, "interface", to.priority,
                  [this](engine& self) { run_interface(self); }),
      m_mechanism(to.exec, to.log, to.cost, to.name, "mechanism", to.priority + 1,
                  [this](engine& self) { run_mechanism(self); })
{
}

std::uint32_t disk_controller::read_register(std::uint64_t offset) const
{
    if (!m_powered)
        return std::numeric_limits<std::uint32_t>::max();
    switch (offset) {
    case disk_register::id:
        return disk_id;
    case disk_register::capacity_lo:
        return low_word(m_media.capacity());
    case disk_register::capacity_hi:
        return high_word(m_media.capacity());
    case disk_register::queue_depth:
        return low_word(m_options.queue_depth);
    case disk_register::list_lo:
        return low_word(m_list);
    case disk_register::list_hi:
        return high_word(m_list);
    case disk_register::issue:
        return m_outstanding;
    case disk_register::done:
        return m_done;
    case disk_register::failed:
        return m_failed;
    case disk_register::interrupt_enable:
        return m_interrupt_enable;
    case disk_register::features:
        return m_options.write_cache ? disk_feature_write_cache : 0;
    case disk_register::max_sectors:
        return disk_max_sectors;
    default:
        return 0;
    }
}

void disk_controller::write_register(std::uint64_t offset, std::uint32_t value)
{
    if (!m_powered)
        return;
    switch (offset) {
    case disk_register::list_lo:
        m_list = (std::uint64_t{high_word(m_list)} << 32) | value;
        break;
    case disk_register::list_hi:
        m_list = (std::uint64_t{value} << 32) | low_word(m_list);
        break;
    case disk_register::issue:
        issue(value);
        break;
    case disk_register::done:
        m_done &= ~value;
        break;
    case disk_register::failed:
        m_failed &= ~value;
        break;
    case disk_register::interrupt_enable: {
        const bool enabled_now = (value & ~m_interrupt_enable & 1) != 0;
        m_interrupt_enable = value & 1;
        // What was completed before would otherwise never be told.
        if (enabled_now && (m_done | m_failed) != 0)
            m_interrupt.raise();
        break;
    }
    default:
        break;
    }
}

void disk_controller::issue(std::uint32_t slots)
{
    for (unsigned index = 0; index < disk_slots; ++index) {
        if ((slots & ~m_outstanding & bit(index)) == 0)
            continue;
        m_outstanding |= bit(index);
        m_slots[index].issued = m_executor.now();
        m_issued.push_back(index);
    }
    std::uint64_t outstanding = 0;
    for (std::uint32_t rest = m_outstanding; rest != 0; rest &= rest - 1)
        ++outstanding;
    m_stats.max_queue = std::max(m_stats.max_queue, outstanding);
    m_interface_work.wake_all();
}

void disk_controller::complete(engine& self, unsigned index, bool fine)
{
    if (!m_powered)
        return;
    slot& s = m_slots[index];
    const disk_command c = s.command;
    self.note(fine ? command_done : command_failed, {}, c.first.raw(), c.sectors);
    m_stats.service_time += self.now() - s.issued;
    if (!fine) {
        ++m_stats.failures;
    } else if (c.is(disk_opcode::read)) {
        ++m_stats.reads;
        m_stats.sectors_read += c.sectors;
    } else if (c.is(disk_opcode::write)) {
        ++m_stats.writes;
        m_stats.sectors_written += c.sectors;
    } else {
        ++m_stats.flushes;
    }

    s = slot();
    m_active.erase(std::remove(m_active.begin(), m_active.end(), index), m_active.end());
    m_outstanding &= ~bit(index);
    (fine ? m_done : m_failed) |= bit(index);
    if (m_outstanding == 0) {
        m_idle_since = self.now();
        // (Without time the mechanism is ready at once.)
        if (!m_cache.empty() && !m_executor.timeless())
            m_idle_timer.arm(m_idle_since + m_options.destage_idle);
    }
    m_interface_work.wake_all(); // the queue has a place for the next command
    // Last: the handler may issue again, or cut the power.
    if (m_interrupt_enable != 0)
        m_interrupt.raise();
}

void disk_controller::cut_power()
{
    m_powered = false;
    m_cache.drop();
    m_idle_timer.disarm();
    // Both engines find out as soon as they wake, before they touch anything.
    m_interface_work.wake_all();
    m_mechanism_work.wake_all();
}

void disk_controller::pause_until(engine& self, picoseconds when)
{
    self.wait_until(when);
    if (!m_powered)
        throw power_lost();
}

void disk_controller::read_durable(sector_number first, std::uint64_t count, void* to) const
{
    m_media.read(first, count, to);
}

void disk_controller::read_current(sector_number first, std::uint64_t count, void* to) const
{
    m_media.read(first, count, to);
    std::byte* bytes = static_cast<std::byte*>(to);
    for (std::uint64_t i = 0; i < count; ++i)
        m_cache.read(first + i, bytes + i * sector_size);
}

} // namespace mkclean
