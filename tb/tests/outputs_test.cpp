// Log, trace and waves are of one stream of events: what each says of a run the others say too.

#include "tb/explain/log_line.h"
#include "tb/output/statistics.h"
#include "tb/tests/run_config.h"
#include "tb/tests/shell.h"
#include "tb/tests/temporary_directory.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using namespace mkclean;
using namespace mkclean::testing;

namespace
{

constexpr const char* a_run =
    "\"$MKCLEAN\" run " MKCLEAN_SOURCE_DIR "/configs/no-tlb-flush.cfg --quiet ";

std::vector<log_line> read_log(const std::string& text)
{
    std::vector<log_line> lines;
    std::istringstream all(text);
    for (std::string line; std::getline(all, line);) {
        const auto parsed = parse_log_line(line);
        INFO(line);
        REQUIRE(parsed);
        lines.push_back(*parsed);
    }
    return lines;
}

/// A packet as `protoc --decode` prints it: "name value" of every field, nested ones by their name.
struct packet {
    std::multimap<std::string, std::string> fields;

    bool has(const std::string& name) const { return fields.count(name) > 0; }
    std::string text(const std::string& name) const
    {
        const auto found = fields.find(name);
        return found == fields.end() ? "" : found->second;
    }
    std::uint64_t number(const std::string& name) const
    {
        return has(name) ? std::stoull(text(name)) : 0;
    }
    std::vector<std::uint64_t> numbers(const std::string& name) const
    {
        std::vector<std::uint64_t> all;
        for (auto [at, end] = fields.equal_range(name); at != end; ++at)
            all.push_back(std::stoull(at->second));
        return all;
    }
};

std::vector<packet> decode(const std::string& text)
{
    std::vector<packet> packets;
    std::vector<std::string> path;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t begin = line.find_first_not_of(' ');
        const std::string said = line.substr(begin);
        if (said == "}") {
            path.pop_back();
            continue;
        }
        if (said.back() == '{') {
            path.push_back(said.substr(0, said.find(' ')));
            if (path.size() == 1)
                packets.emplace_back();
            continue;
        }
        const std::size_t colon = said.find(": ");
        REQUIRE(colon != std::string::npos);
        std::string value = said.substr(colon + 2);
        if (value.front() == '"')
            value = value.substr(1, value.size() - 2);
        const std::string name = said.substr(0, colon);
        CHECK_MESSAGE(name.find_first_not_of("0123456789") != std::string::npos,
                      "a field without a name: " << said);
        packets.back().fields.emplace(path.back() == "packet" ? name : path.back() + "." + name,
                                      value);
    }
    return packets;
}

struct wave_file {
    std::map<std::string, std::string> names; ///< by identifier
    /// By name: from when on which value.
    std::map<std::string, std::map<std::uint64_t, std::string>> values;

    std::string value_at(const std::string& name, std::uint64_t time) const
    {
        const auto signal = values.find(name);
        REQUIRE(signal != values.end());
        const auto after = signal->second.upper_bound(time);
        return after == signal->second.begin() ? "0" : std::prev(after)->second;
    }
};

wave_file read_waves(const std::string& text)
{
    wave_file waves;
    std::vector<std::string> scopes;
    std::uint64_t now = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (first == "$scope") {
            std::string kind, name;
            words >> kind >> name;
            scopes.push_back(name);
        } else if (first == "$upscope") {
            scopes.pop_back();
        } else if (first == "$var") {
            std::string kind, width, id, name;
            words >> kind >> width >> id >> name;
            waves.names[id] = scopes.back() + "." + name;
        } else if (!first.empty() && first[0] == '#') {
            now = std::stoull(first.substr(1));
        } else if (!first.empty() && (first[0] == '0' || first[0] == '1')) {
            waves.values[waves.names[first.substr(1)]][now] = first.substr(0, 1);
        }
    }
    return waves;
}

/// Three letters of the log, each a wave.
struct shown_word {
    const char* place;
    const char* signals[3];
};
constexpr shown_word shown_words[] = {
    {"PG", {"page.PG_locked", "page.PG_dirty", "page.PG_writeback"}},
    {"PTE", {"page.pte_P", "page.pte_W", "page.pte_D"}},
    {"TAG", {"page.TAG_DIRTY", "page.TAG_WRITEBACK", "page.TAG_TOWRITE"}},
};

std::string now_of(const log_line& line, const std::string& place)
{
    const std::size_t arrow = line.change.find(" -> ");
    return line.change.rfind(place + " ", 0) == 0 && arrow != std::string::npos
               ? line.change.substr(arrow + 4)
               : "";
}

} // namespace

TEST_CASE("a Perfetto trace decodes and its slices are closed and its flows resolve")
{
    const temporary_directory directory;
    const shell_answer made = shell(std::string(a_run) + "--trace " + directory.path("t.pftrace") +
                                    " --log " + directory.path("t.log"));
    REQUIRE(made.code == 0);
    const shell_answer decoded =
        shell("protoc --proto_path=" MKCLEAN_SOURCE_DIR "/tb/tests/data --decode=Trace "
              "perfetto.proto < " +
              directory.path("t.pftrace") + " 2>&1");
    REQUIRE(decoded.code == 0);

    std::set<std::uint64_t> tracks = {0};
    std::map<std::uint64_t, std::string> names;
    std::map<std::uint64_t, int> open;
    std::map<std::uint64_t, std::uint64_t> latest;
    std::multiset<std::uint64_t> begun;
    std::multiset<std::uint64_t> ended;
    std::vector<std::pair<std::uint64_t, std::string>> instants;
    for (const packet& p : decode(decoded.out)) {
        if (p.has("event_names.iid"))
            names[p.number("event_names.iid")] = p.text("event_names.name");
        if (p.has("track_descriptor.uuid")) {
            CHECK(tracks.count(p.number("track_descriptor.parent_uuid")) == 1);
            CHECK(tracks.insert(p.number("track_descriptor.uuid")).second);
            continue;
        }
        const std::uint64_t track = p.number("track_event.track_uuid");
        CHECK(tracks.count(track) == 1);
        CHECK(p.number("timestamp") >= latest[track]);
        latest[track] = p.number("timestamp");
        const std::string type = p.text("track_event.type");
        if (p.has("track_event.name_iid"))
            REQUIRE(names.count(p.number("track_event.name_iid")) == 1);
        if (type == "TYPE_SLICE_BEGIN")
            ++open[track];
        else if (type == "TYPE_SLICE_END")
            CHECK(open[track]-- > 0);
        else if (type == "TYPE_INSTANT")
            instants.emplace_back(p.number("timestamp"), names[p.number("track_event.name_iid")]);
        for (const std::uint64_t flow : p.numbers("track_event.flow_ids"))
            begun.insert(flow);
        for (const std::uint64_t flow : p.numbers("track_event.terminating_flow_ids")) {
            CHECK(begun.count(flow) == 1); // its beginning has been there
            ended.insert(flow);
        }
    }
    for (const auto& [track, count] : open)
        CHECK(count == 0);
    CHECK(begun == ended);
    CHECK(begun.size() > 10);

    std::vector<std::pair<std::uint64_t, std::string>> logged;
    for (const log_line& line : read_log(directory.read("t.log")))
        if (line.what == log_line::kind::step)
            logged.emplace_back(line.cycle, line.step);
    CHECK(instants == logged);
}

// With waves SystemC's own coroutines are switched under ours, which AddressSanitizer does not hear
// of: these two are for ./test alone.
TEST_CASE("waves open in vcd2fst and say what the log says" * doctest::test_suite("long"))
{
    const temporary_directory directory;
    const shell_answer made = shell(std::string(a_run) + "--vcd " + directory.path("t.vcd") +
                                    " --log " + directory.path("t.log"));
    REQUIRE(made.code == 0);
    const shell_answer converted =
        shell("vcd2fst " + directory.path("t.vcd") + " " + directory.path("t.fst") + " 2>&1");
    CHECK(converted.code == 0);
    CHECK(converted.out == "");
    CHECK(std::filesystem::file_size(directory.path("t.fst")) > 0);

    const wave_file waves = read_waves(directory.read("t.vcd"));
    const std::uint64_t period =
        1'000'000'000'000 / configured("no-tlb-flush.cfg").get().core.frequency;
    const std::vector<log_line> lines = read_log(directory.read("t.log"));
    for (const shown_word& word : shown_words) {
        std::map<std::uint64_t, std::string> said; // by cycle, by the last event of it
        for (const log_line& line : lines)
            if (line.is_of_a_page && line.ino == inode_number(1) && line.page == page_index(0))
                if (const std::string now = now_of(line, word.place); !now.empty())
                    said[line.cycle] = now;
        CHECK(said.size() > 3);
        for (const auto& [cycle, now] : said)
            for (std::size_t bit = 0; bit < 3; ++bit) {
                INFO("cycle " << cycle << ": " << word.place << ' ' << now);
                CHECK(waves.value_at(word.signals[bit], (cycle + 1) * period - 1) ==
                      (now[bit] == '-' ? "0" : "1"));
            }
    }
}

TEST_CASE("outputs change nothing of what a run comes to" * doctest::test_suite("long"))
{
    const temporary_directory directory;
    const auto figures = [&](const std::string& with, const std::string& name) {
        const shell_answer made =
            shell(std::string(a_run) + with + " --stats " + directory.path(name));
        REQUIRE(made.code == 0);
        nlohmann::ordered_json stats = nlohmann::ordered_json::parse(directory.read(name));
        stats.erase("host");
        return stats.dump();
    };
    const std::string all = " --log " + directory.path("l") + " --trace " + directory.path("t") +
                            " --vcd " + directory.path("v") + " --report " + directory.path("r");
    CHECK(figures("", "a.json") == figures(all, "b.json"));
}
