#include "tb/museum/options.h"
#include "sim/option_set.h"

#include <array>
#include <sstream>

namespace mkclean
{

namespace
{

constexpr std::size_t most_stalled = 4; // more would take too long

std::vector<std::string> words_of(const std::string& text)
{
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

} // namespace

const char* name_of(symptom s)
{
    static constexpr std::array<const char*, symptom_count> names{"bytes are lost",
                                                                  "a sync lies",
                                                                  "a read is stale",
                                                                  "a sync does not end",
                                                                  "a program is surprised",
                                                                  "an invariant is broken",
                                                                  "dirty pages are miscounted",
                                                                  "a program is killed"};
    return names[static_cast<std::size_t>(s)];
}

void museum_options::declare(option_set& o)
{
    o.text("museum.title", title, "what an exhibit is called; a config that has one is an exhibit");
    o.count("museum.year", year, {0, 9999}, "when the bug was found out, or mended");
    o.text("museum.commit", commit,
           "the commit that brought the bug, or the first release with it");
    o.text("museum.fixed_by", fixed_by, "the commit that mended it, or the first release without");
    o.flag("museum.verified", verified,
           "whether somebody has looked the commits up, or has them from memory");
    o.text("museum.story", story, "what went wrong, for whoever stands before the exhibit");
    o.choice("museum.shows", shows,
             {{"lost", symptom::lost},
              {"lie", symptom::lie},
              {"stale", symptom::stale},
              {"livelock", symptom::livelock},
              {"expect", symptom::expect},
              {"invariant", symptom::invariant},
              {"metric", symptom::metric},
              {"signal", symptom::signal}},
             "how the bug can be seen: bytes are lost; fsync, msync or sync lies; a read is stale; "
             "a sync does not end; the script sees something else than it expects; an invariant "
             "is broken; nr_dirty is wrong; a signal kills a thread");
    o.text("museum.fixed", fixed,
           "what a kernel with the fix does otherwise: OPTION=VALUE..., with blanks between");
    o.text("museum.stall", stall,
           "the threads of which one or two stand still somewhere in the orders that are tried, "
           "with blanks between; none: there is one order, that of time");
}

std::vector<std::string> museum_options::stalled() const
{
    return words_of(stall);
}

std::vector<std::pair<std::string, std::string>> museum_options::fixes() const
{
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& word : words_of(fixed)) {
        const std::size_t equals = word.find('=');
        all.emplace_back(word.substr(0, equals),
                         equals == std::string::npos ? "" : word.substr(equals + 1));
    }
    return all;
}

void museum_options::check(const option_set& o) const
{
    if (!is_exhibit())
        return;
    for (const char* const name : {"museum.commit", "museum.fixed_by", "museum.story",
                                   "museum.fixed", "museum.year", "museum.shows"})
        if (!o.was_set(name))
            throw o.complaint("museum.title", std::string("an exhibit needs ") + name);
    for (const auto& [name, value] : fixes()) {
        if (value.empty())
            throw o.complaint("museum.fixed", "expected OPTION=VALUE, got " + in_quotes(name));
        if (begins_with(name, "museum."))
            throw o.complaint("museum.fixed",
                              "expected an option of the machine, got " + in_quotes(name));
        o.canonical(name, value, o.info("museum.fixed").where);
    }
    if (stalled().size() > most_stalled)
        throw o.complaint("museum.stall", "expected four threads at most");
}

} // namespace mkclean
