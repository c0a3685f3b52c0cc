#pragma once

#include "tb/world.h"

namespace mkclean
{

/// The reproducer of December 2006, in its third version: a sparse file is written through a shared
/// mapping in chunks of 1460 bytes, in random order, chunk i with the byte i; then it is unmapped,
/// dropped from the cache, mapped again and read back in order.
class rtorrent final : public workload
{
public:
    rtorrent(const workload_options& options, std::uint64_t seed);

    std::vector<std::uint64_t> files() const override { return {0}; }
    void start(world& w) override;
    std::vector<counter> report() const override;
    double part_done() const override;

private:
    void run(user_task& self);
    void write_chunks(user_task& self, virtual_address map);
    void verify(user_task& self, virtual_address map);
    std::uint64_t bytes() const { return m_chunks * m_options.chunk; }

    const workload_options& m_options;
    std::uint64_t m_seed;
    std::uint64_t m_chunks;
    std::uint64_t m_written = 0;
    std::uint64_t m_verified = 0;
    std::uint64_t m_bad_bytes = 0;
    std::uint64_t m_bad_chunks = 0;
};

} // namespace mkclean
