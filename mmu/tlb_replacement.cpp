#include "mmu/tlb_replacement.h"

#include <algorithm>
#include <random>

namespace mkclean
{

namespace
{

class lru final : public tlb_replacement
{
public:
    std::size_t victim(const tlb_entry* set, std::size_t ways) override
    {
        const tlb_entry* const oldest =
            std::min_element(set, set + ways, [](const tlb_entry& a, const tlb_entry& b) {
                return a.last_use < b.last_use;
            });
        return static_cast<std::size_t>(oldest - set);
    }
};

// A node's bit is turned by every use below it, so that it points away from whichever half holds
// the latest: the tree need not be kept, the times of use say what it would be.
class tree_plru final : public tlb_replacement
{
public:
    std::size_t victim(const tlb_entry* set, std::size_t ways) override
    {
        std::size_t first = 0;
        for (std::size_t half = ways / 2; half > 0; half /= 2) {
            const tlb_entry* const left = set + first;
            if (latest(left, half) > latest(left + half, half))
                first += half;
        }
        return first;
    }

private:
    static std::uint64_t latest(const tlb_entry* from, std::size_t ways)
    {
        std::uint64_t when = 0;
        for (const tlb_entry* e = from; e != from + ways; ++e)
            when = std::max(when, e->last_use);
        return when;
    }
};

class random_way final : public tlb_replacement
{
public:
    explicit random_way(std::uint64_t seed) : m_random(seed) {}
    // The bias of a remainder of 64 bits is below 2^-47.
    std::size_t victim(const tlb_entry*, std::size_t ways) override { return m_random() % ways; }

private:
    std::mt19937_64 m_random;
};

} // namespace

const tlb_replacement_kind lru_replacement{
    "lru", "least recently used",
    [](std::uint64_t) -> std::unique_ptr<tlb_replacement> { return std::make_unique<lru>(); }};

const tlb_replacement_kind tree_plru_replacement{
    "plru", "a tree of bits that point away from what was used last",
    [](std::uint64_t) -> std::unique_ptr<tlb_replacement> { return std::make_unique<tree_plru>(); },
    false};

const tlb_replacement_kind random_replacement{
    "random", "any way", [](std::uint64_t seed) -> std::unique_ptr<tlb_replacement> {
        return std::make_unique<random_way>(seed);
    }};

} // namespace mkclean
