#pragma once

#include "tb/world.h"

#include <cassert>

namespace mkclean
{

/// An order in which `touch` visits the words of a power of two of them: a full-period linear
/// congruential sequence (Knuth, TAOCP vol. 2, 3.2.1.2, theorem A), so that every word comes once
/// in each round, far from the one before, and no compiler can make one wide store of several.
///
/// Another start or increment would be the same order with its pages renamed; what differs between
/// `which` is the multiplier, an odd power of Knuth's, which keeps the period full. Of a thousand
/// such, ten are poor by the spectral test, and come back to a page somewhat sooner than by chance.
class scattered_order
{
public:
    explicit scattered_order(std::uint64_t words, std::uint64_t which = 0)
        : m_mask(words - 1),
          m_multiplier(odd_power(which)),
          m_at(which * 0x9e3779b97f4a7c15U & m_mask)
    {
        assert((words & m_mask) == 0);
    }
    std::uint64_t next()
    {
        m_at = (m_at * m_multiplier + 0x14057b7ef767814fU) & m_mask;
        return m_at;
    }

private:
    static std::uint64_t odd_power(std::uint64_t which);

    std::uint64_t m_mask;
    std::uint64_t m_multiplier;
    std::uint64_t m_at;
};

/// The plainest program there is: threads that store 8-byte words to a shared mapping of a file,
/// one at a time and nothing between, each to its own pages or all to the same, each in an order of
/// its own. What the emulator costs beside that is the emulator's.
class touch final : public workload
{
public:
    touch(const workload_options& options, std::uint64_t cores, std::uint64_t seed);

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
    std::uint64_t m_first_order; ///< of thread 0
    virtual_address m_common;    ///< the mapping of all, once it is there
    wait_queue m_mapped;
    std::uint64_t m_touched = 0;
    std::uint64_t m_bad_words = 0;
};

} // namespace mkclean
