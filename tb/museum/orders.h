#pragma once

#include "tb/config.h"
#include "tb/museum/stalling_arbiter.h"
#include "tb/world.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace mkclean
{

/// What one run, or all of an exhibit's, did wrong.
struct symptom_set {
    std::array<bool, symptom_count> seen{};
    bool hung = false; ///< did not come to its end

    bool has(symptom s) const { return seen[static_cast<std::size_t>(s)]; }
    bool none() const;
    void add(const symptom_set& other);
    /// In words, with commas between.
    std::string text() const;
};

/// What was found in the orders of one config.
struct exhibit_result {
    std::uint64_t orders = 0; ///< tried
    std::uint64_t broken = 0; ///< of them
    symptom_set found;
    std::vector<stall> first; ///< the order that was the first to show something
};

struct order_limits {
    std::optional<symptom> stops_at; ///< at the first order that shows it
    std::function<void(std::uint64_t orders)> tell = [](std::uint64_t) {}; ///< after each
};

/// Runs the program of an exhibit in every order in which one of the threads of museum.stall stands
/// still for a while before one of its turns, or two of them do, each before one of its own: the
/// one is on its way again long before the other. Everybody else goes on meanwhile, in the order of
/// time. Without such threads there is one order, that of time.
///
/// So what it finds is there. What it does not find may still be: if it takes three that stand
/// still, or one that does so twice.
exhibit_result try_orders(const config& c, const order_limits& limits);

/// One of those orders; `before` and `after` as for run_on_fibers(). Returns the turns that each of
/// museum.stall's threads had.
std::vector<std::uint64_t> run_in_order(const config& c, const std::vector<stall>& stalls,
                                        const std::function<void(world&)>& before,
                                        const std::function<void(world&)>& after);

/// What a world that has been run has done wrong.
symptom_set symptoms_of(const world& w);

} // namespace mkclean
