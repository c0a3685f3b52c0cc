#include "tb/bench/native.h"
#include "sim/number.h"
#include "tb/command_line.h"
#include "tb/workload/touch.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mkclean
{

namespace
{

class stopwatch
{
public:
    double seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_began).count();
    }

private:
    std::chrono::steady_clock::time_point m_began = std::chrono::steady_clock::now();
};

// The compiler has to believe that somebody looks at memory here.
void let_memory_be_seen()
{
    asm volatile("" ::: "memory"); // NOLINT(hicpp-no-assembler)
}

/// A file without a name, gone with its descriptor.
class nameless_file
{
public:
    explicit nameless_file(std::uint64_t bytes)
    {
        std::string path = "/dev/shm/mkclean-bench-XXXXXX";
        m_descriptor = ::mkstemp(path.data());
        if (m_descriptor < 0)
            throw file_error("write", path, std::strerror(errno));
        ::unlink(path.c_str());
        if (::ftruncate(m_descriptor, static_cast<off_t>(bytes)) != 0)
            throw file_error("write", path, std::strerror(errno));
    }
    ~nameless_file() { ::close(m_descriptor); }
    nameless_file(const nameless_file&) = delete;
    nameless_file& operator=(const nameless_file&) = delete;
    int descriptor() const { return m_descriptor; }

private:
    int m_descriptor = -1;
};

class mapping
{
public:
    mapping(const nameless_file& file, std::uint64_t bytes)
        : m_bytes(bytes),
          m_start(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0))
    {
        if (m_start == MAP_FAILED)
            throw file_error("read", "/dev/shm", std::strerror(errno));
    }
    ~mapping() { ::munmap(m_start, m_bytes); }
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    std::byte* start() const { return static_cast<std::byte*>(m_start); }

private:
    std::uint64_t m_bytes;
    void* m_start;
};

std::byte byte_of_chunk(std::uint64_t chunk)
{
    return static_cast<std::byte>(chunk & 0xff);
}

} // namespace

double time_scattered_stores(std::uint64_t pages, std::uint64_t operations)
{
    std::vector<std::byte> memory(pages * page_size, std::byte{1});
    scattered_order order(memory.size() / sizeof(std::uint64_t));
    const stopwatch watch;
    for (std::uint64_t i = 0; i < operations; ++i) {
        std::memcpy(memory.data() + order.next() * sizeof i, &i, sizeof i);
        let_memory_be_seen();
    }
    return watch.seconds();
}

double time_rtorrent(std::uint64_t bytes, std::uint64_t chunk)
{
    std::vector<std::uint64_t> order(bytes / chunk);
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937_64(1)); // NOLINT: the same every time
    std::vector<std::byte> piece(chunk);

    const stopwatch watch;
    const nameless_file file(bytes);
    {
        const mapping map(file, bytes);
        for (const std::uint64_t i : order) {
            std::fill(piece.begin(), piece.end(), byte_of_chunk(i));
            std::memcpy(map.start() + i * chunk, piece.data(), chunk);
        }
        ::msync(map.start(), bytes, MS_SYNC);
    }
    const mapping again(file, bytes);
    std::uint64_t bad = 0;
    for (std::uint64_t i = 0; i < order.size(); ++i) {
        std::memcpy(piece.data(), again.start() + i * chunk, chunk);
        bad += static_cast<std::uint64_t>(std::count_if(
            piece.begin(), piece.end(), [i](std::byte b) { return b != byte_of_chunk(i); }));
    }
    if (bad > 0)
        throw std::runtime_error(fmt::format("this host lost {} bytes of a file in /dev/shm", bad));
    return watch.seconds();
}

} // namespace mkclean
