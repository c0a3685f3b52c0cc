#include "tb/workload/rtorrent.h"

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>

#include <algorithm>
#include <numeric>

namespace mkclean
{

namespace
{

constexpr inode_number the_file{1};
constexpr vm_flags shared_writable{true, true};

std::byte byte_of_chunk(std::uint64_t chunk)
{
    return static_cast<std::byte>(chunk & 0xff);
}

// As the reproducer did it: each element swapped with any other.
std::vector<std::uint64_t> shuffled(std::uint64_t count, std::uint64_t seed)
{
    std::vector<std::uint64_t> order(count);
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    boost::random::mt19937_64 random(seed);
    boost::random::uniform_int_distribution<std::uint64_t> any(0, count - 1);
    for (std::uint64_t& element : order)
        std::swap(element, order[any(random)]);
    return order;
}

} // namespace

rtorrent::rtorrent(const workload_options& options, std::uint64_t seed)
    : m_options(options),
      m_seed(seed),
      m_chunks(std::max<std::uint64_t>(1, options.size / options.chunk))
{
}

void rtorrent::start(world& w)
{
    w.start_thread("rtorrent", 0, w.new_process(), [this](user_task& self) { run(self); });
}

void rtorrent::run(user_task& self)
{
    inode& file = self.open(the_file);
    self.ftruncate(file, bytes());
    const virtual_address map = self.mmap(&file, page_index(), bytes(), shared_writable);
    write_chunks(self, map);
    if (m_options.drop) {
        self.munmap(map, bytes());
        self.fadvise_dontneed(file);
    }
    if (!m_options.verify)
        return;
    const virtual_address again =
        m_options.drop ? self.mmap(&file, page_index(), bytes(), shared_writable) : map;
    verify(self, again);
}

void rtorrent::write_chunks(user_task& self, virtual_address map)
{
    std::vector<std::byte> chunk(m_options.chunk);
    for (const std::uint64_t i : shuffled(m_chunks, m_seed)) {
        std::fill(chunk.begin(), chunk.end(), byte_of_chunk(i));
        self.store(map + i * m_options.chunk, chunk.data(), chunk.size());
        ++m_written;
        if (m_options.think > 0)
            self.sleep(picoseconds(m_options.think));
    }
}

void rtorrent::verify(user_task& self, virtual_address map)
{
    std::vector<std::byte> chunk(m_options.chunk);
    for (std::uint64_t i = 0; i < m_chunks; ++i) {
        self.load(map + i * m_options.chunk, chunk.data(), chunk.size());
        const auto bad = static_cast<std::uint64_t>(std::count_if(
            chunk.begin(), chunk.end(), [i](std::byte b) { return b != byte_of_chunk(i); }));
        m_bad_bytes += bad;
        m_bad_chunks += bad > 0 ? 1 : 0;
        ++m_verified;
    }
}

std::vector<workload::counter> rtorrent::report() const
{
    return {{"chunks", m_chunks},
            {"chunks_written", m_written},
            {"bad_chunks", m_bad_chunks},
            {"bad_bytes", m_bad_bytes}};
}

double rtorrent::part_done() const
{
    const std::uint64_t in_all = m_options.verify ? 2 * m_chunks : m_chunks;
    return static_cast<double>(m_written + m_verified) / static_cast<double>(in_all);
}

} // namespace mkclean
