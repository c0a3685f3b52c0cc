#pragma once

#include "tb/lesson/session.h"

#include <nlohmann/json.hpp>

#include <string>

namespace mkclean
{

/// How far somebody is with the lessons, as a file of JSON keeps it.
class lesson_progress
{
public:
    /// A file that is not there is an empty one. Error: input_error for a file that is no such
    /// progress, which stays as it is; file_error.
    explicit lesson_progress(std::string path);

    /// Whether all has been predicted and the task has been solved.
    bool is_done(const lesson& l) const;
    /// For the list: "done", "predicted 1 of 2 rightly, to be mended", or "".
    std::string text_of(const lesson& l) const;

    void note_predictions(const lesson& l, std::uint64_t seed, const std::vector<prediction>& made);
    void note_fixed(const lesson& l);
    /// How many tips have been given before, and one more from now on.
    std::size_t next_tip(const lesson& l);
    void forget_all() { m_lessons = nlohmann::ordered_json::object(); }

    /// Writes it, complete or not at all, and the directories to it. Error: file_error.
    void save() const;

private:
    const nlohmann::ordered_json* find(const lesson& l) const;

    std::string m_path;
    nlohmann::ordered_json m_lessons;
};

/// $XDG_STATE_HOME/mkclean/lessons.json, by default under ~/.local/state. Error: input_error about
/// the option `state` where neither is known.
std::string default_progress_path();

} // namespace mkclean
