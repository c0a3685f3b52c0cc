// What the README prints is what the program prints.

#include "tb/output/log_writer.h"
#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

using namespace mkclean;
using namespace mkclean::testing;

namespace
{

std::string readme()
{
    std::ifstream file(MKCLEAN_SOURCE_DIR "/README.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

// The line with every run of blanks as one.
std::string squeezed(const std::string& line)
{
    std::istringstream words(line);
    std::string all;
    for (std::string word; words >> word;)
        all += (all.empty() ? "" : " ") + word;
    return all;
}

std::string grouped(std::uint64_t value)
{
    std::string digits = std::to_string(value);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

} // namespace

TEST_CASE("the README's table is what ./run finds" * doctest::test_suite("long"))
{
    const std::string text = readme();
    for (const char* kernel : {"linux-2.6.18", "linux-2.6.19", "linux-2.6.20", "linux-2.6.23"})
        for (const char* data : {"ordered", "writeback"}) {
            const auto stats = configured("rtorrent-2006.cfg",
                                          {{"cores", "2"}, {"kernel", kernel}, {"fs.data", data}})
                                   .stats();
            const auto figure = [&](const char* pointer) {
                return grouped(
                    stats.at(nlohmann::ordered_json::json_pointer(pointer)).get<std::uint64_t>());
            };
            const std::string row = fmt::format(
                "{:<12}  {:<9}  {:>6}  {:>7}  {:>6}  {:>14}  {:>17}  {:>10}", kernel, data,
                figure("/vm/pgfault"), figure("/vm/page_mkclean"),
                figure("/vm/nr_tlb_remote_flush_received"), figure("/block/blocks_written"),
                figure("/fs/no_io_writepages"), figure("/verdict/lost_bytes"));
            INFO(row);
            CHECK(text.find(row) != std::string::npos);
        }
}

TEST_CASE("the README's story of a lost byte is the one that ./run tells")
{
    std::string story;
    std::optional<biographer> told;
    configured("rtorrent-2006.cfg", {{"cores", "2"}})
        .run(
            [&](world& w) {
                REQUIRE(w.judge()->result().first_loss);
                story = told->story_of(*w.judge()->result().first_loss);
                told.reset();
            },
            [&](world& w) {
                told.emplace(w);
                w.log().attach(*told);
            });
    std::istringstream lines(story);
    std::string squeezed_story = "\n";
    for (std::string line; std::getline(lines, line);)
        squeezed_story += squeezed(line) + '\n';

    std::istringstream page(readme());
    unsigned events = 0;
    for (std::string line; std::getline(page, line);) {
        const std::string event = squeezed(line);
        if (event.find(" core") == std::string::npos || event.find_first_not_of("0123456789") < 6)
            continue;
        ++events;
        INFO(event);
        CHECK(squeezed_story.find('\n' + event + '\n') != std::string::npos);
    }
    CHECK(events > 15);
}
