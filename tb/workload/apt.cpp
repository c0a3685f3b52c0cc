#include "tb/workload/apt.h"

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>

#include <algorithm>

namespace mkclean
{

namespace
{

constexpr inode_number the_file{1};
constexpr vm_flags shared_writable{true, true};
constexpr std::uint64_t header_bytes = page_size;

// No two versions of a record that follow each other have a byte in common, and none is the zero of
// a hole.
std::byte byte_of(std::uint64_t record, std::uint64_t version)
{
    return static_cast<std::byte>(1 + (record + version) % 255);
}

} // namespace

apt::apt(const workload_options& options, std::uint64_t seed)
    : m_options(options),
      m_seed(seed),
      m_versions(std::max<std::uint64_t>(1, options.size / options.chunk))
{
}

std::uint64_t apt::bytes() const
{
    return header_bytes + records() * m_options.chunk;
}

std::uint64_t apt::offset_of(std::uint64_t record) const
{
    return header_bytes + record * m_options.chunk;
}

void apt::start(world& w)
{
    w.start_thread("apt", 0, w.new_process(), [this](user_task& self) { run(self); });
}

void apt::run(user_task& self)
{
    inode& file = self.open(the_file);
    self.ftruncate(file, bytes());
    virtual_address map = self.mmap(&file, page_index(), bytes(), shared_writable);
    fill(self, map);
    update_records(self, map);
    if (m_options.drop) {
        self.munmap(map, bytes());
        self.fadvise_dontneed(file);
        map = self.mmap(&file, page_index(), bytes(), shared_writable);
    }
    if (m_options.verify)
        verify(self, map);
}

void apt::fill(user_task& self, virtual_address map)
{
    self.store(map, &m_updates, sizeof m_updates);
    std::vector<std::byte> record(m_options.chunk);
    for (std::uint64_t r = 0; r < records(); ++r) {
        std::fill(record.begin(), record.end(), byte_of(r, m_versions[r]));
        self.store(map + offset_of(r), record.data(), record.size());
    }
    sync(self, map);
}

void apt::update(user_task& self, virtual_address map, std::uint64_t record)
{
    const std::vector<std::byte> bytes(m_options.chunk, byte_of(record, ++m_versions[record]));
    self.store(map + offset_of(record), bytes.data(), bytes.size());
    ++m_updates;
    self.store(map, &m_updates, sizeof m_updates);
}

void apt::update_records(user_task& self, virtual_address map)
{
    boost::random::mt19937_64 random(m_seed);
    boost::random::uniform_int_distribution<std::uint64_t> any(0, records() - 1);
    for (std::uint64_t i = 1; i <= m_options.operations; ++i) {
        update(self, map, any(random));
        if (m_options.sync_every > 0 && i % m_options.sync_every == 0)
            sync(self, map);
        if (m_options.think > 0)
            self.sleep(picoseconds(m_options.think));
    }
}

void apt::sync(user_task& self, virtual_address map)
{
    ++m_syncs;
    if (self.msync(map, bytes()) != 0)
        ++m_failed_syncs;
}

void apt::verify(user_task& self, virtual_address map)
{
    std::uint64_t header = 0;
    self.load(map, &header, sizeof header);
    m_bad_headers = header == m_updates ? 0 : 1;
    std::vector<std::byte> record(m_options.chunk);
    for (std::uint64_t r = 0; r < records(); ++r) {
        self.load(map + offset_of(r), record.data(), record.size());
        const std::byte expected = byte_of(r, m_versions[r]);
        const auto bad = static_cast<std::uint64_t>(std::count_if(
            record.begin(), record.end(), [expected](std::byte b) { return b != expected; }));
        m_bad_bytes += bad;
        if (bad > 0)
            ++m_bad_records;
    }
}

std::vector<workload::counter> apt::report() const
{
    return {{"records", records()},
            {"updates", m_updates},
            {"msyncs", m_syncs},
            {"failed_msyncs", m_failed_syncs},
            {"bad_headers", m_bad_headers},
            {"bad_records", m_bad_records},
            {"bad_bytes", m_bad_bytes}};
}

double apt::part_done() const
{
    return static_cast<double>(m_updates) / static_cast<double>(m_options.operations);
}

} // namespace mkclean
