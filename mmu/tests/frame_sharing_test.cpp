#include "mmu/frame_sharing.h"
#include "mmu/tlb.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>

using namespace mkclean;

namespace
{

constexpr frame_number some_frame(7);
constexpr frame_number another_frame(8);

struct tlbs {
    explicit tlbs(unsigned cores)
    {
        for (unsigned i = 0; i < cores; ++i) {
            all.push_back(std::make_unique<tlb>(tlb_options{8, 2}));
            all.back()->share(sharing, i);
        }
    }
    tlb_entry& fill(unsigned core, std::uint64_t page, frame_number frame, bool dirty)
    {
        tlb_entry e;
        e.page = virtual_page(page);
        e.frame = frame;
        e.writable = e.dirty = dirty;
        return all[core]->insert(e);
    }
    frame_sharing sharing;
    std::vector<std::unique_ptr<tlb>> all;
};

} // namespace

TEST_CASE("an entry says whether others see its frame, and whether they change it")
{
    tlbs machine(2);
    const tlb_entry& mine = machine.fill(0, 1, some_frame, true);
    machine.fill(0, 2, some_frame, true); // a second name on the same core is no other's
    machine.fill(1, 3, another_frame, true);
    CHECK_FALSE(mine.others_see);
    CHECK_FALSE(mine.others_change);

    const tlb_entry& theirs = machine.fill(1, 1, some_frame, false);
    CHECK(mine.others_see);
    CHECK_FALSE(mine.others_change);
    CHECK(theirs.others_see);
    CHECK(theirs.others_change);

    machine.fill(1, 1, some_frame, true); // the D assist
    CHECK(mine.others_change);

    machine.all[1]->invalidate(virtual_page(1), asid());
    CHECK_FALSE(mine.others_see);
    CHECK_FALSE(mine.others_change);
}

TEST_CASE("a frame that has been retired is remembered until no TLB holds it")
{
    tlbs machine(2);
    machine.sharing.retire(some_frame);
    CHECK_FALSE(machine.sharing.stale_entries()); // nobody held it
    machine.fill(0, 1, some_frame, true);
    machine.fill(1, 1, some_frame, true);
    machine.sharing.retire(some_frame);
    CHECK(machine.sharing.stale_entries());
    machine.all[0]->flush_all();
    CHECK(machine.sharing.stale_entries());
    machine.all[1]->invalidate(virtual_page(1), asid());
    CHECK_FALSE(machine.sharing.stale_entries());
}

TEST_CASE("after any fills, evictions and flushes, every entry knows who else is there")
{
    for (unsigned seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        tlbs machine(1 + random() % 4);
        const auto any_core = [&] { return unsigned(random() % machine.all.size()); };
        for (unsigned step = 0; step < 200; ++step) {
            const virtual_page page(random() % 16);
            if (random() % 4 != 0)
                machine.fill(any_core(), page.raw(), frame_number(1 + random() % 6),
                             random() % 2 == 0);
            else if (random() % 8 != 0)
                machine.all[any_core()]->invalidate(page, asid());
            else
                machine.all[any_core()]->flush_all();
        }
        for (const auto& mine : machine.all) {
            mine->for_each([&](const tlb_entry& e) {
                bool seen = false;
                bool changed = false;
                for (const auto& other : machine.all)
                    other->for_each([&](const tlb_entry& o) {
                        if (other != mine && o.frame == e.frame) {
                            seen = true;
                            changed = changed || (o.writable && o.dirty);
                        }
                    });
                REQUIRE(e.others_see == seen);
                REQUIRE(e.others_change == changed);
            });
        }
    }
}
