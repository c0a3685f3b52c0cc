#include "sim/event_heap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace mkclean;

namespace
{

struct thing {
    std::size_t heap_slot = event_heap<thing>::not_in_heap;
    picoseconds due;
    std::uint64_t order = 0;
    picoseconds felt;
    bool in_heap() const { return heap_slot != event_heap<thing>::not_in_heap; }
};

bool comes_before(const thing* a, const thing* b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

picoseconds earliest_felt(const std::vector<const thing*>& all, picoseconds limit)
{
    for (const thing* t : all)
        limit = std::min(limit, t->felt);
    return limit;
}

} // namespace

TEST_CASE("a heap of events is a sorted list, whatever is put in and taken out")
{
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        std::vector<thing> things(1 + random() % 40);
        event_heap<thing> heap;
        std::vector<const thing*> sorted;
        std::uint64_t order = 0;
        const auto item_of = [&](thing& t) {
            t.due = picoseconds(random() % 16);
            t.order = order++;
            t.felt = t.due + random() % 8;
            return event_heap<thing>::item{t.due, t.order, t.felt, &t};
        };
        const auto insert = [&](const thing& t) {
            sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), &t, comes_before), &t);
        };
        const auto remove = [&](const thing& t) {
            sorted.erase(std::find(sorted.begin(), sorted.end(), &t));
        };
        for (unsigned step = 0; step < 300; ++step) {
            thing& t = things[random() % things.size()];
            if (t.in_heap()) {
                remove(t);
                heap.erase(t);
            } else if (!heap.empty() && random() % 3 == 0) {
                remove(*heap.top().entry);
                heap.replace_top(item_of(t));
                insert(t);
            } else {
                heap.push(item_of(t));
                insert(t);
            }
            REQUIRE(heap.empty() == sorted.empty());
            if (!heap.empty())
                REQUIRE(heap.top().entry == sorted.front());
            const picoseconds limit(random() % 24);
            REQUIRE(heap.earliest_felt(limit) == earliest_felt(sorted, limit));
        }
        heap.clear();
        for (const thing& t : things)
            CHECK_FALSE(t.in_heap());
    }
}
