#include "mmu/page_table.h"

#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <tuple>

using namespace mkclean;

namespace
{

/// Hands out frames that are full of what somebody left in them.
class frame_pool
{
public:
    explicit frame_pool(physical_memory& memory) : m_memory(memory) {}

    page_table::allocate_frame allocate()
    {
        return [this] {
            const frame_number fresh(m_next++);
            std::memset(m_memory.frame(fresh), 0xff, page_size);
            m_taken.insert(fresh.raw());
            return fresh;
        };
    }
    page_table::free_frame free()
    {
        return [this](frame_number f) { REQUIRE(m_taken.erase(f.raw()) == 1); };
    }
    std::size_t taken() const { return m_taken.size(); }

private:
    physical_memory& m_memory;
    std::uint64_t m_next = 1;
    std::set<std::uint64_t> m_taken;
};

// Few of each index, so that tables are shared; both ends of the address space are among them.
virtual_address random_address(std::mt19937_64& random)
{
    std::uint64_t va = random() % page_size;
    for (unsigned level = 0; level < 4; ++level) {
        const std::uint64_t index = random() % 8 == 0 ? 511 : random() % 3;
        va |= index << (12 + 9 * level);
    }
    return virtual_address(va);
}

} // namespace

TEST_CASE("nine bits of the address choose the entry at each level")
{
    const virtual_address va(0x0000'7fed'cba9'8765);
    CHECK(pte_format::entry_offset(va, 0) == 8 * (0x7fed'cba9'8765 >> 12 & 511));
    CHECK(pte_format::entry_offset(va, 1) == 8 * (0x7fed'cba9'8765 >> 21 & 511));
    CHECK(pte_format::entry_offset(va, 2) == 8 * (0x7fed'cba9'8765 >> 30 & 511));
    CHECK(pte_format::entry_offset(va, 3) == 8 * (0x7fed'cba9'8765 >> 39 & 511));
    CHECK(pte_format::entry_offset(virtual_address(~std::uint64_t{0}), 3) == 8 * 511);
}

TEST_CASE("every page has an entry of its own, in as few tables as there can be")
{
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        physical_memory memory(2048 * page_size);
        frame_pool pool(memory);
        {
            page_table table(memory, format_of(pte_layout::x86_64), pool.allocate(), pool.free());
            std::map<std::uint64_t, std::uint64_t> slots; // of each page
            std::set<std::pair<unsigned, std::uint64_t>> tables = {{3, 0}};
            std::set<std::uint64_t> addresses;
            for (int i = 0; i < 60; ++i) {
                const virtual_address va = random_address(random);
                const std::uint64_t page = va.raw() / page_size;
                const bool has_table = tables.count({0, va.raw() >> 21}) == 1;
                REQUIRE(table.find(va).has_value() == has_table);
                const pte_slot slot = table.find_or_allocate(va, pool.allocate());
                REQUIRE(table.find(va)->address() == slot.address());
                for (unsigned level = 0; level < 3; ++level)
                    tables.insert({level, va.raw() >> (21 + 9 * level)});
                REQUIRE(pool.taken() == tables.size());
                const auto known = slots.emplace(page, slot.address().raw());
                REQUIRE(known.first->second == slot.address().raw());
                if (known.second) {
                    REQUIRE(addresses.insert(slot.address().raw()).second);
                    REQUIRE(slot.get().none());
                }
            }
        }
        REQUIRE(pool.taken() == 0);
    }
}

TEST_CASE("tables that two fill at once are filled once, and all are given back")
{
    physical_memory memory(64 * page_size);
    frame_pool pool(memory);
    {
        page_table table(memory, format_of(pte_layout::x86_64), pool.allocate(), pool.free());
        const virtual_address va(0x1234'5678'9000);
        unsigned depth = 0;
        std::optional<pte_slot> others;
        // Each time a frame is asked for, somebody else gets there first.
        page_table::allocate_frame allocate;
        allocate = [&]() -> frame_number {
            if (++depth == 1) {
                others = table.find_or_allocate(va, pool.allocate());
                others->set_pte(pte::of_page(frame_number(42)));
            }
            return pool.allocate()();
        };
        const pte_slot mine = table.find_or_allocate(va, allocate);
        CHECK(mine.address() == others->address());
        CHECK(mine.get().frame() == frame_number(42));
    }
    CHECK(pool.taken() == 0);
}

TEST_CASE("a slot is the entry in memory, whoever changes that")
{
    physical_memory memory(8 * page_size);
    frame_pool pool(memory);
    page_table table(memory, format_of(pte_layout::x86_64), pool.allocate(), pool.free());
    pte_slot slot = table.find_or_allocate(virtual_address(0x5000), pool.allocate());
    slot.set_pte(pte::of_page(frame_number(9)));
    CHECK(memory.read64(slot.address()) == pte::of_page(frame_number(9)).raw());
    memory.write64(slot.address(), slot.raw() | pte::dirty_bit); // as the walker does
    CHECK(slot.get().dirty());
    CHECK(slot.get_and_clear() == pte::of_page(frame_number(9)).mkdirty());
    CHECK(slot.get().none());
}

TEST_CASE("a leaf of any order is found from every address in it, and no table is put in its place")
{
    for (const page_order order : {page_order::mega, page_order::giga}) {
        physical_memory memory(16 * page_size);
        frame_pool pool(memory);
        {
            page_table table(memory, format_of(pte_layout::x86_64), pool.allocate(), pool.free());
            const std::uint64_t bytes = pages_of(order) * page_size;
            const virtual_address va(5 * bytes);
            CHECK_FALSE(table.find(va).has_value());
            pte_slot slot = table.find_or_allocate(va + 7 * page_size, pool.allocate(), order);
            CHECK(slot.order() == order);
            CHECK(slot.get().none());
            CHECK_FALSE(table.find(va).has_value()); // no leaf, and no table for one of 4 KiB
            const std::size_t tables = pool.taken();
            const frame_number first(3 * pages_of(order));
            slot.set_pte(pte::of_page(first).mkhuge());
            for (const std::uint64_t page :
                 {std::uint64_t{0}, std::uint64_t{1}, pages_of(order) - 1}) {
                const virtual_address at = va + page * page_size;
                for (const pte_slot& found :
                     {*table.find(at), table.find_or_allocate(at, pool.allocate())}) {
                    CHECK(found.address() == slot.address());
                    CHECK(found.order() == order);
                    CHECK(found.frame_at(at) == first + page);
                }
            }
            CHECK(pool.taken() == tables);
            slot.get_and_clear();
            CHECK(table.find_or_allocate(va, pool.allocate()).order() == page_order::small);
            CHECK(pool.taken() > tables);
            CHECK(slot.get().present()); // it points to a table now
            CHECK_FALSE(slot.get().huge());
        }
        CHECK(pool.taken() == 0);
    }
}
