// The exhibits of configs/museum. In which order their threads have to come for anything to be lost
// is an explorer's business; run as they are, in the order of time, they keep what they promise.

#include "tb/tests/run_config.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace mkclean;

namespace
{

const std::string museum = MKCLEAN_SOURCE_DIR "/configs/museum";

/// The option that mends an exhibit, from its comment: "# fixed: NAME = VALUE".
std::pair<std::string, std::string> mended_by(const std::filesystem::path& exhibit)
{
    const std::string mark = "# fixed: ";
    std::ifstream file(exhibit);
    for (std::string line; std::getline(file, line);) {
        const std::size_t equals = line.find(" = ");
        if (line.compare(0, mark.size(), mark) == 0 && equals != std::string::npos)
            return {line.substr(mark.size(), equals - mark.size()), line.substr(equals + 3)};
    }
    return {};
}

} // namespace

TEST_CASE("museum: every exhibit says what mends it, and keeps its promises when it is mended")
{
    unsigned exhibits = 0;
    for (const auto& entry : std::filesystem::directory_iterator(museum)) {
        CAPTURE(entry.path().string());
        ++exhibits;
        const std::string exhibit = "museum/" + entry.path().filename().string();
        const auto [name, value] = mended_by(entry.path());
        REQUIRE(!name.empty());
        const testing::configured broken(exhibit);
        const testing::configured mended(exhibit, {{name, value}});
        CHECK(broken.options().info(name).text != mended.options().info(name).text);
        mended.run([](world& w) {
            CHECK(w.how_it_ended() == world::ending::finished);
            CHECK(w.signals() == 0);
            CHECK(w.program().failed_expectations() == 0);
            CHECK(!promise_broken(w));
        });
    }
    CHECK(exhibits >= 3);
}
