#pragma once

#include "tb/output/recorder.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mkclean
{

/// Which page a lesson looks at, and since when.
struct page_name {
    std::uint64_t ino = 1;
    std::uint64_t page = 0;
    std::string since; ///< the step that its life begins with, the first of that name; "": all
};

/// A step in the life of a page.
struct life_step {
    std::uint64_t cycle = 0; ///< of the cores' clock
    std::string where;       ///< "core0", "disk"
    std::string who;         ///< "pdflush"
    std::string step;        ///< its name in the log
    std::string block;       ///< "block 2", or ""
    std::string change;      ///< "PTE PWD -> P--", or ""
    std::string remark;      ///< "lost": what the oracle has found out about it; or ""
    place touches = place::none;
    std::size_t cause = none;                     ///< the step of this life that made it happen
    std::map<std::uint16_t, std::uint32_t> state; ///< after it, by lane; lanes that are 0 left out

    static constexpr std::size_t none = ~std::size_t{0};
};

/// What is kept of a run for a lesson: the life of one page, and of the rest what can be counted.
struct run_record {
    using step_and_who = std::pair<std::string, std::string>;

    std::vector<life_step> life;                 ///< in the order of time
    std::map<step_and_who, std::uint64_t> steps; ///< how often, in the whole run
    std::map<std::string, double> highest;       ///< of each counter, such as "nr_dirty"

    /// How often a step was taken, by `who` or, if that is "", by anybody.
    std::uint64_t count(const std::string& step, const std::string& who) const;
};

/// Follows a world from before its first instant.
class run_follower final : public event_sink
{
public:
    explicit run_follower(world& w);
    void on_event(const event& e) override;

    /// Once, when the run is over.
    run_record finish(const page_name& page);

private:
    life_step step_of(const recorded_event& r, const recording& from) const;
    std::string change_of(const recorded_event& r, const recording& from) const;

    world& m_world;
    recorder m_recorder;
    std::map<std::string, const step_site*, std::less<>> m_sites; ///< by name
};

} // namespace mkclean
