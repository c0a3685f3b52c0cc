#include "mmu/frame_sharing.h"
#include "mmu/tlb.h"

#include <doctest/doctest.h>

#include <algorithm>
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
    tlb_entry& fill_huge(unsigned core, std::uint64_t page, frame_number frame, page_order order,
                         bool dirty)
    {
        tlb_entry e;
        e.page = virtual_page(page * pages_of(order));
        e.order = order;
        e.frame = frame;
        e.writable = e.dirty = dirty;
        return all[core]->insert(e);
    }
    /// Whether some TLB lets somebody at the frame.
    bool held(frame_number frame) const
    {
        bool any = false;
        for (const auto& each : all)
            each->for_each([&](const tlb_entry& e) { any = any || e.maps(frame); });
        return any;
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

TEST_CASE("an entry of 512 frames is shared with whoever holds one of them")
{
    const frame_number first(1024);
    tlbs machine(3);
    const tlb_entry& huge = machine.fill_huge(0, 1, first, page_order::mega, true);
    CHECK_FALSE(huge.others_see);
    const tlb_entry& same_core = machine.fill(0, 7, first + 3, true);
    CHECK_FALSE(huge.others_see);
    const tlb_entry& beside = machine.fill(1, 1, first + 512, true);
    CHECK_FALSE(huge.others_see);
    CHECK_FALSE(beside.others_see);

    const tlb_entry& last = machine.fill(1, 2, first + 511, false);
    CHECK(huge.others_see);
    CHECK_FALSE(huge.others_change);
    CHECK(last.others_see);
    CHECK(last.others_change);
    CHECK_FALSE(same_core.others_see); // what core 1 holds is another frame
    const tlb_entry& giga = machine.fill_huge(2, 0, frame_number(), page_order::giga, true);
    CHECK(giga.others_change);
    CHECK(huge.others_change);
    CHECK(beside.others_see);
    CHECK(same_core.others_change);

    machine.all[2]->flush_all();
    CHECK_FALSE(beside.others_see);
    CHECK_FALSE(huge.others_change);
    machine.all[1]->invalidate(virtual_page(2), asid());
    CHECK_FALSE(huge.others_see);
}

TEST_CASE("with entries of any size, every one knows who else is there, and what is stale")
{
    constexpr page_order orders[] = {page_order::small, page_order::mega, page_order::giga};
    unsigned huge_shared = 0;
    for (unsigned seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        tlbs machine(1 + random() % 4);
        std::vector<frame_number> retired; // and held ever since
        const auto any_core = [&] { return unsigned(random() % machine.all.size()); };
        const auto any_frame = [&] {
            const std::uint64_t in_piece[] = {0, 1, 511};
            return frame_number(512 * (1 + random() % 3) + in_piece[random() % 3]);
        };
        for (unsigned step = 0; step < 150; ++step) {
            const unsigned what = random() % 32;
            const bool dirty = random() % 2 == 0;
            if (what < 14)
                machine.fill(any_core(), random() % 16, any_frame(), dirty);
            else if (what < 20)
                machine.fill_huge(any_core(), 1 + random() % 3,
                                  frame_number(512 * (1 + random() % 3)), page_order::mega, dirty);
            else if (what == 20)
                machine.fill_huge(any_core(), 1, frame_number(), page_order::giga, dirty);
            else if (what < 28)
                machine.all[any_core()]->invalidate(
                    virtual_page(pages_of(orders[random() % 3]) * (random() % 4)), asid());
            else if (what == 28)
                machine.all[any_core()]->flush_all();
            else if (const frame_number frame = any_frame(); machine.held(frame)) {
                machine.sharing.retire(frame);
                retired.push_back(frame);
            }
            retired.erase(std::remove_if(retired.begin(), retired.end(),
                                         [&](frame_number f) { return !machine.held(f); }),
                          retired.end());
            // Who fills an entry again has had nothing there for an instant.
            for (const frame_number frame : retired)
                machine.sharing.retire(frame);
            REQUIRE(machine.sharing.stale_entries() == !retired.empty());
            for (const auto& mine : machine.all) {
                mine->for_each([&](const tlb_entry& e) {
                    bool seen = false;
                    bool changed = false;
                    for (const auto& other : machine.all)
                        other->for_each([&](const tlb_entry& o) {
                            if (other == mine || !(o.maps(e.frame) || e.maps(o.frame)))
                                return;
                            seen = true;
                            changed = changed || (o.writable && o.dirty);
                        });
                    REQUIRE(e.others_see == seen);
                    REQUIRE(e.others_change == changed);
                    huge_shared += seen && e.order != page_order::small ? 1U : 0U;
                });
            }
        }
    }
    CHECK(huge_shared > 1000);
}
