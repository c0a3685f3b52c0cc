#include "storage/disk/controller.h"

#include <algorithm>

namespace mkclean
{

namespace
{

const step_site on_media{"disk_on_media", place::disk, show_disk_sectors};

} // namespace

void disk_controller::run_mechanism(engine& self)
{
    try {
        for (;;) {
            wait_for(self, m_mechanism_work, [&] { return next_work().has_value(); });
            const std::optional<work> w = next_work();
            const picoseconds began = self.now();
            if (w->read)
                gather(self, *w->read, w->run);
            else
                destage(self, *w);
            m_stats.mechanism_busy += self.now() - began;
        }
    } catch (const power_lost&) {
    }
}

sector_run disk_controller::missing_from_cache(const slot& s) const
{
    std::uint64_t first = 0;
    std::uint64_t end = s.command.sectors;
    while (first < end && m_cache.contains(s.at(first)))
        ++first;
    while (end > first && m_cache.contains(s.at(end - 1)))
        --end;
    return {s.at(first), end - first};
}

std::optional<disk_controller::work> disk_controller::work_for(unsigned index) const
{
    const slot& s = m_slots[index];
    std::optional<sector_run> run;
    switch (s.now) {
    case stage::from_media:
        return work{index, missing_from_cache(s), false};
    case stage::to_media: {
        std::uint64_t i = 0;
        while (s.versions[i] == volatile_write_cache::any_version)
            ++i;
        run = m_cache.run_at(s.at(i), m_options.destage_run);
        break;
    }
    case stage::no_room:
        run = m_cache.next_run(m_options.destage, m_arm, m_options.destage_run);
        break;
    case stage::flushing:
        run = m_cache.next_run(m_options.destage, m_arm, m_options.destage_run, s.flush_up_to);
        break;
    case stage::free:
    case stage::to_cache:
    case stage::to_memory:
        break;
    }
    if (!run)
        return std::nullopt;
    return work{std::nullopt, *run, false};
}

bool disk_controller::has_demand() const
{
    return std::any_of(m_active.begin(), m_active.end(), [this](unsigned index) {
        const stage now = m_slots[index].now;
        return now == stage::from_media || now == stage::to_media || now == stage::no_room ||
               now == stage::flushing;
    });
}

std::optional<disk_controller::work> disk_controller::next_work() const
{
    std::optional<work> best;
    picoseconds best_start;
    for (const unsigned index : m_active) {
        const std::optional<work> w = work_for(index);
        if (!w)
            continue;
        if (m_options.scheduling == disk_scheduling::fcfs || w->run.count == 0)
            return w;
        const picoseconds start = m_timing.would_start(
            m_executor.now(), w->run.first, w->read ? media_access::read : media_access::write);
        if (!best || start < best_start) {
            best = w;
            best_start = start;
        }
    }
    if (best)
        return best;

    const bool crowded = m_cache.held_sectors() * 2 > m_cache.capacity_sectors();
    const bool idle =
        m_outstanding == 0 && m_executor.now() >= m_idle_since + m_options.destage_idle;
    if (m_cache.empty() || !(crowded || idle))
        return std::nullopt;
    return work{std::nullopt, *m_cache.next_run(m_options.destage, m_arm, m_options.destage_run),
                true};
}

void disk_controller::gather(engine& self, unsigned index, const sector_run& missing)
{
    slot& s = m_slots[index];
    const auto capture = [&](sector_number sector) {
        std::byte* const to =
            s.buffer.data() + (sector.raw() - s.command.first.raw()) * sector_size;
        if (m_cache.read(sector, to))
            ++m_stats.cache_hits;
        else
            m_media.read(sector, 1, to);
    };
    for (std::uint64_t i = 0; i < missing.count; ++i) {
        const sector_window window =
            i == 0 ? m_timing.begin(self.now(), missing.first, media_access::read)
                   : m_timing.next(self.now());
        m_stats.seeks += window.cylinders_moved != 0;
        self.set_undivided(i > 0);
        pause_until(self, window.end);
        self.set_undivided(false);
        capture(missing.first + i);
        m_arm = missing.first + i + 1;
        ++m_stats.media_reads;
    }
    const std::uint64_t end = missing.first.raw() + missing.count;
    for (std::uint64_t i = 0; i < s.command.sectors; ++i) {
        if (s.at(i) < missing.first || s.at(i).raw() >= end)
            capture(s.at(i));
    }
    s.now = stage::to_memory;
    m_interface_work.wake_all();
}

void disk_controller::destage(engine& self, const work& w)
{
    std::array<std::byte, sector_size> sector;
    ++m_stats.destage_runs;
    for (std::uint64_t i = 0; i < w.run.count; ++i) {
        const sector_number at = w.run.first + i;
        const sector_window window = i == 0 ? m_timing.begin(self.now(), at, media_access::write)
                                            : m_timing.next(self.now());
        m_stats.seeks += window.cylinders_moved != 0;
        self.set_undivided(i > 0);
        pause_until(self, window.start);
        self.set_undivided(true);
        const volatile_write_cache::version written = m_cache.begin_destage(at, sector.data());
        pause_until(self, window.end);
        self.set_undivided(false);
        m_media.write(at, 1, sector.data());
        m_cache.destaged(at, written);
        m_arm = at + 1;
        ++m_stats.media_writes;
        self.note(on_media, {}, at.raw(), 1);
        landed(self, at, written);
        if (w.background && has_demand())
            return;
    }
}

void disk_controller::landed(engine& self, sector_number sector,
                             volatile_write_cache::version written)
{
    std::vector<unsigned> finished;
    for (const unsigned index : m_active) {
        slot& s = m_slots[index];
        if (s.durable && sector >= s.command.first && sector < s.at(s.command.sectors)) {
            auto& version = s.versions[sector.raw() - s.command.first.raw()];
            if (version != 0 && version <= written) {
                version = volatile_write_cache::any_version;
                ++s.landed;
            }
        }
        if (s.now == stage::to_media && s.landed == s.command.sectors)
            finished.push_back(index);
        if (s.now == stage::flushing && m_cache.oldest() > s.flush_up_to)
            finished.push_back(index);
        if (s.now == stage::no_room && m_cache.has_room_for(s.at(s.moved))) {
            s.now = stage::to_cache;
            m_interface_work.wake_all();
        }
    }
    // Apart, since completing takes a slot out of the list.
    for (const unsigned index : finished)
        complete(self, index, true);
}

} // namespace mkclean
