#pragma once

#include <string_view>
#include <vector>

namespace mkclean
{

/// Which step makes another one happen, by their names in the log: page_mkclean's flush asks other
/// cores, their acknowledgements let TestClearPageDirty go on.
struct cause_rule {
    std::string_view effect;
    std::vector<std::string_view> causes;
    bool same_actor;        ///< only what the effect's own actor did is its cause
    std::string_view since; ///< what came before the latest one of these is not meant; "": all is
};

/// The rule for a step, or null: nothing in particular makes it happen. Of the causes the latest
/// one is meant, in the life of the same page.
const cause_rule* cause_rule_of(std::string_view effect);

} // namespace mkclean
