#pragma once

#include "tb/world.h"

#include <cassert>

namespace mkclean
{

/// The order in which `touch` visits the words of a power of two of them: a full-period linear
/// congruential sequence (Knuth, TAOCP vol. 2, 3.2.1.2, theorem A), so that every word comes once
/// in each round, far from the one before, and no compiler can make one wide store of several.
class scattered_order
{
public:
    explicit scattered_order(std::uint64_t words) : m_mask(words - 1)
    {
        assert((words & m_mask) == 0);
    }
    std::uint64_t next()
    {
        m_at = (m_at * 0x5851f42d4c957f2dU + 0x14057b7ef767814fU) & m_mask;
        return m_at;
    }

private:
    std::uint64_t m_mask;
    std::uint64_t m_at = 0;
};

/// The plainest program there is: threads that store 8-byte words to a shared mapping of a file,
/// one at a time and nothing between, each to its own pages or all to the same. What the emulator
/// costs beside that is the emulator's.
class touch final : public workload
{
public:
    explicit touch(const workload_options& options, std::uint64_t cores);

    std::vector<std::uint64_t> files() const override { return {bytes()}; }
    void start(world& w) override;
    std::vector<counter> report() const override;
    double part_done() const override;

private:
    void run(user_task& self, std::uint64_t number);
    virtual_address map_pages(user_task& self, inode& file, std::uint64_t number);
    void pause(user_task& self) const;
    void store_words(user_task& self, virtual_address map, scattered_order& words,
                     std::uint64_t first, std::uint64_t end);
    std::uint64_t words() const { return m_options.pages * page_size / sizeof(std::uint64_t); }
    std::uint64_t bytes() const;

    const workload_options& m_options;
    std::uint64_t m_threads;
    virtual_address m_common; ///< the mapping of all, once it is there
    wait_queue m_mapped;
    std::uint64_t m_touched = 0;
    std::uint64_t m_bad_words = 0;
};

} // namespace mkclean
