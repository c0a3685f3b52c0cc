#include "tb/explore/options.h"
#include "sim/option_set.h"

#include <array>

namespace mkclean
{

const char* name_of(flaw f)
{
    static constexpr std::array<const char*, flaws> names{
        "lost", "lie", "stale", "expect", "deadlock", "livelock", "assertion",
        "I1",   "I2",  "I3",    "I4",     "I5",       "I6",       "I7"};
    return names[static_cast<std::size_t>(f)];
}

void explore_options::declare(option_set& o)
{
    constexpr std::uint64_t most = 4'000'000'000;
    o.choice("explore.order", order,
             {{"switches", search_order::switches},
              {"moves", search_order::moves},
              {"random", search_order::random},
              {"pct", search_order::pct}},
             "which stories explore looks at first: those with few switches (moves of somebody "
             "else while the last one to move could have gone on), or those of few moves; random "
             "and pct look at explore.walks of them and not at all of them");
    o.count("explore.walks", walks, {1, most},
            "of explore.order = random or pct; `seed` says which");
    o.count("explore.pct_changes", pct_changes, {0, 100},
            "of priorities in a walk of explore.order = pct");
    o.count("explore.switches", switches, {0, 1'000'000},
            "in one story, at most; needs explore.order = switches");
    o.count("explore.states", states, {1, most}, "after which explore gives up");
    o.bytes("explore.memory", memory, {std::uint64_t{64} << 20, std::uint64_t{1} << 38},
            "for states; when that is full, the search ends with what it has");
    std::vector<std::pair<const char*, flaw>> names;
    for (std::size_t i = 0; i < flaws; ++i)
        names.emplace_back(name_of(static_cast<flaw>(i)), static_cast<flaw>(i));
    o.choices(
        "explore.stop_at", stop_at, names,
        "the findings that end the search, with blanks between; I1 to I7 are the invariants of "
        "docs/design.md; default: all but those");
}

} // namespace mkclean
