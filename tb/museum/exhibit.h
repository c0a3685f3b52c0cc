#pragma once

#include "sim/option_set.h"
#include "tb/museum/orders.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace mkclean
{

/// An exhibit's config, as it stands or with its fix.
class exhibit
{
public:
    enum class state { broken, mended };

    /// Error: as in configure() and config::check(); input_error for a config that is no exhibit.
    exhibit(const std::string& path, state how);
    exhibit(const exhibit&) = delete;
    exhibit& operator=(const exhibit&) = delete;

    const config& get() const { return m_config; }
    const option_set& options() const { return m_options; }
    const museum_options& about() const { return m_config.museum; }

private:
    config m_config;
    option_set m_options;
};

/// What stands beside an exhibit, and where it is.
struct exhibit_card {
    struct change {
        std::string option, broken, mended;
    };
    std::string name; ///< its file's, without ".cfg"
    std::string path;
    museum_options about;
    std::vector<change> fix;

    /// "vm.page_mkwrite = unlocked", with commas between.
    std::string text_of_fix(exhibit::state how) const;
};

/// Whether an exhibit does what its card says: there is an order that shows the bug, and with the
/// fix none of the same orders shows anything.
struct exhibit_verdict {
    symptom shows = symptom::lost;
    exhibit_result broken; ///< up to the order that shows it
    exhibit_result mended; ///< all orders

    bool as_stated() const { return broken.found.has(shows) && mended.broken == 0; }
    /// One line.
    std::string text() const;
    nlohmann::ordered_json json() const;
};

exhibit_card read_card(const std::string& path);
/// `tell` is told how many orders have been tried, after each.
exhibit_verdict judge_exhibit(
    const std::string& path, const std::function<void(std::uint64_t)>& tell = [](std::uint64_t) {});
/// What happened to the first bytes that are lost, or lied about, in that order; "" if none are.
std::string story_of_order(const config& c, const std::vector<stall>& stalls);
/// "cutter stands still before its turn 17, then storer before its turn 40".
std::string text_of_order(const std::vector<stall>& stalls);

} // namespace mkclean
