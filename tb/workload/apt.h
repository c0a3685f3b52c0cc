#pragma once

#include "tb/world.h"

namespace mkclean
{

/// The other victim of December 2006: a database in a shared mapping, as apt keeps its package
/// cache. It is written from front to back and synced once; then records anywhere in it are
/// rewritten in place, each time with a count in the header page, and synced now and then; at last
/// it is unmapped, dropped from the cache, mapped again and compared.
class apt final : public workload
{
public:
    apt(const workload_options& options, std::uint64_t seed);

    std::vector<std::uint64_t> files() const override { return {0}; }
    void start(world& w) override;
    std::vector<counter> report() const override;
    double part_done() const override;

private:
    void run(user_task& self);
    void fill(user_task& self, virtual_address map);
    void update(user_task& self, virtual_address map, std::uint64_t record);
    void update_records(user_task& self, virtual_address map);
    void sync(user_task& self, virtual_address map);
    void verify(user_task& self, virtual_address map);
    std::uint64_t records() const { return m_versions.size(); }
    std::uint64_t bytes() const;
    std::uint64_t offset_of(std::uint64_t record) const;

    const workload_options& m_options;
    std::uint64_t m_seed;
    std::vector<std::uint64_t> m_versions; ///< of each record: how often it was written
    std::uint64_t m_updates = 0;           ///< and what the header says
    std::uint64_t m_syncs = 0;
    std::uint64_t m_failed_syncs = 0;
    std::uint64_t m_bad_records = 0;
    std::uint64_t m_bad_bytes = 0;
    std::uint64_t m_bad_headers = 0;
};

} // namespace mkclean
