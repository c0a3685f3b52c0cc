#include "tb/workload/touch.h"

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr inode_number the_file{1};
constexpr vm_flags shared_writable{true, true};
constexpr std::uint64_t between_reports = 65'536; // stores

} // namespace

// By squaring: which has as many bits as a seed.
std::uint64_t scattered_order::odd_power(std::uint64_t which)
{
    std::uint64_t square = 0x5851f42d4c957f2dU;
    std::uint64_t power = square;
    for (; which != 0; which >>= 1) {
        square *= square;
        if ((which & 1) != 0)
            power *= square;
    }
    return power;
}

touch::touch(const workload_options& options, std::uint64_t cores, std::uint64_t seed)
    : m_options(options),
      m_threads(options.threads == 0 ? cores : options.threads),
      m_first_order((seed - 1) * m_threads) // order 0 is seed 1's, the default
{
}

std::uint64_t touch::bytes() const
{
    return m_options.pages * page_size * (m_options.shared ? 1 : m_threads);
}

void touch::start(world& w)
{
    mm_struct& mm = w.new_process();
    for (std::uint64_t t = 0; t < m_threads; ++t)
        w.start_thread("touch" + std::to_string(t), static_cast<unsigned>(t), mm,
                       [this, t](user_task& self) { run(self, t); });
}

virtual_address touch::map_pages(user_task& self, inode& file, std::uint64_t number)
{
    const page_index first(m_options.shared ? 0 : number * m_options.pages);
    const std::uint64_t bytes = m_options.pages * page_size;
    if (!m_options.one_mapping)
        return self.mmap(&file, first, bytes, shared_writable);
    if (number == 0) {
        m_common = self.mmap(&file, page_index(), this->bytes(), shared_writable);
        self.futex_wake(m_mapped);
    }
    self.futex_wait(m_mapped, [this] { return m_common != virtual_address(); });
    return m_common + first.raw() * page_size;
}

void touch::pause(user_task& self) const
{
    const core& cpu = self.cpu();
    self.compute(cycles(m_options.think / cpu.period().raw()));
}

void touch::run(user_task& self, std::uint64_t number)
{
    inode& file = self.open(the_file);
    const std::uint64_t bytes = m_options.pages * page_size;
    const virtual_address map = map_pages(self, file, number);
    scattered_order order(words(), m_first_order + number);
    const std::uint64_t sync_every = m_options.sync_every;
    for (std::uint64_t done = 0; done < m_options.operations;) {
        std::uint64_t end = std::min(done + between_reports, m_options.operations);
        if (sync_every > 0)
            end = std::min(end, (done / sync_every + 1) * sync_every);
        store_words(self, map, order, done, end);
        m_touched += end - done;
        done = end;
        if (sync_every > 0 && done % sync_every == 0)
            self.msync(map, bytes);
    }
    self.cpu().sync();
}

// A thread that loads looks only at what it has itself stored: of a page that others store to,
// nobody can say what is right.
void touch::store_words(user_task& self, virtual_address map, scattered_order& words,
                        std::uint64_t first, std::uint64_t end)
{
    scattered_order order = words; // a store through std::byte* may change what `words` refers to
    const std::uint64_t load_every = m_options.load_every;
    std::uint64_t until_load = load_every == 0 ? 0 : load_every - first % load_every;
    for (std::uint64_t i = first; i < end; ++i) {
        const virtual_address va = map + order.next() * sizeof(std::uint64_t);
        self.store(va, &i, sizeof i);
        if (m_options.think > 0)
            pause(self);
        if (until_load == 0 || --until_load > 0)
            continue;
        until_load = load_every;
        std::uint64_t found = 0;
        self.load(va, &found, sizeof found);
        if (!m_options.shared && found != i)
            ++m_bad_words;
    }
    words = order;
}

std::vector<workload::counter> touch::report() const
{
    return {{"stores", m_touched}, {"bad_words", m_bad_words}};
}

double touch::part_done() const
{
    return static_cast<double>(m_touched) / static_cast<double>(m_options.operations * m_threads);
}

} // namespace mkclean
