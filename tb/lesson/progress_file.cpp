#include "tb/lesson/progress_file.h"
#include "tb/command_line.h"
#include "tb/text_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>

#include <fmt/format.h>

namespace mkclean
{

namespace
{

using json = nlohmann::ordered_json;

constexpr std::size_t questions = 2; // of a lesson
constexpr const char* schema = "mkclean-lessons-1";

// What the rest of this file takes for granted.
bool is_lesson_state(const json& j)
{
    return j.is_object() && j.value("predictions", json::array()).is_array() &&
           j.value("fixed", json(false)).is_boolean() &&
           j.value("tips", json(0U)).is_number_unsigned();
}

bool is_progress(const json& j)
{
    if (!j.is_object() || j.value("schema", json()) != schema || !j.contains("lessons") ||
        !j["lessons"].is_object())
        return false;
    return std::all_of(j["lessons"].begin(), j["lessons"].end(), is_lesson_state);
}

std::size_t right_ones(const json& predictions)
{
    return static_cast<std::size_t>(
        std::count_if(predictions.begin(), predictions.end(), [](const json& p) {
            return p.is_object() && p.value("chosen", json()) == p.value("right", json(0));
        }));
}

} // namespace

lesson_progress::lesson_progress(std::string path)
    : m_path(std::move(path)),
      m_lessons(json::object())
{
    std::error_code error;
    if (!std::filesystem::exists(m_path, error))
        return;
    const json all = json::parse(read_text_file(m_path, origin()), nullptr, false);
    if (!is_progress(all))
        throw input_error({m_path, 0},
                          "expected the progress of lessons, got something else; move it away");
    m_lessons = all["lessons"];
}

const json* lesson_progress::find(const lesson& l) const
{
    const auto found = m_lessons.find(l.slug);
    return found == m_lessons.end() ? nullptr : &*found;
}

bool lesson_progress::is_done(const lesson& l) const
{
    const json* const of = find(l);
    return of != nullptr && of->value("fixed", false) &&
           of->value("predictions", json::array()).size() == questions;
}

std::string lesson_progress::text_of(const lesson& l) const
{
    const json* const of = find(l);
    if (of == nullptr)
        return "";
    if (is_done(l))
        return "done";
    if (!of->contains("predictions"))
        return of->value("fixed", false) ? "mended" : "";
    const json& predictions = (*of)["predictions"];
    return fmt::format("{} of {} predicted rightly", right_ones(predictions), predictions.size());
}

void lesson_progress::note_predictions(const lesson& l, std::uint64_t seed,
                                       const std::vector<prediction>& made)
{
    json all = json::array();
    for (const prediction& p : made)
        all.push_back({{"stage", p.stage},
                       {"seed", seed},
                       {"chosen", std::string(1, p.chosen)},
                       {"right", std::string(1, p.right)}});
    m_lessons[l.slug]["predictions"] = all;
}

void lesson_progress::note_fixed(const lesson& l)
{
    m_lessons[l.slug]["fixed"] = true;
}

std::size_t lesson_progress::next_tip(const lesson& l)
{
    json& of = m_lessons.emplace(l.slug, json::object()).first.value();
    const std::size_t given = of.value("tips", std::size_t{0});
    of["tips"] = given + 1;
    return given;
}

void lesson_progress::save() const
{
    const std::filesystem::path directory = std::filesystem::path(m_path).parent_path();
    std::error_code error;
    if (!directory.empty())
        std::filesystem::create_directories(directory, error); // if it fails, so does the file
    output_file file(m_path, std::cout);
    file.write(json({{"schema", schema}, {"lessons", m_lessons}}).dump(2) + '\n');
    file.commit();
}

std::string default_progress_path()
{
    const char* const state = std::getenv("XDG_STATE_HOME");
    // "All paths set in these environment variables must be absolute", else they are ignored.
    if (state != nullptr && *state == '/')
        return fmt::format("{}/mkclean/lessons.json", state);
    const char* const home = std::getenv("HOME");
    if (home != nullptr && *home != '\0')
        return fmt::format("{}/.local/state/mkclean/lessons.json", home);
    throw input_error(origin(), "state",
                      "there is neither XDG_STATE_HOME nor HOME; say where progress is to be kept");
}

} // namespace mkclean
