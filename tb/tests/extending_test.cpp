// What docs/extending.md shows is what examples/ builds.

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace
{

std::string text_of(const char* path)
{
    std::ifstream file(std::string(MKCLEAN_SOURCE_DIR) + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("docs/extending.md shows the example that is built, to the letter")
{
    const std::string program = text_of("/examples/not_most_recently_used.cpp");
    CHECK(program.size() > 1000);
    CHECK(text_of("/docs/extending.md").find("```cpp\n" + program + "```\n") != std::string::npos);
}
