// The mutants of the golden kernel (docs/mutants.md) are patches, and patches grow old: each one
// still applies, and each one has a verdict. That the explorer finds them takes scripts/mutants.

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace
{

const std::string source = MKCLEAN_SOURCE_DIR;
const std::string folder = source + "/tb/explore/mutants/";

std::set<std::string> patches()
{
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".patch")
            names.insert(entry.path().stem().string());
    return names;
}

/// The first fields of a file of tab-separated ones, but for its titles.
std::set<std::string> first_fields(const std::string& path)
{
    std::ifstream file(path);
    std::string line;
    REQUIRE(std::getline(file, line));
    std::set<std::string> fields;
    while (std::getline(file, line))
        CHECK_MESSAGE(fields.insert(line.substr(0, line.find('\t'))).second,
                      line << " is there twice");
    return fields;
}

} // namespace

TEST_CASE("mutants: there are forty-two and each has a verdict")
{
    CHECK(patches().size() == 42);
    CHECK(patches() == first_fields(folder + "verdicts.tsv"));
}

TEST_CASE("mutants: each is told of in the docs and found with a program that is there")
{
    std::ifstream file(source + "/docs/mutants.md");
    std::ostringstream text;
    text << file.rdbuf();
    for (const std::string& name : patches())
        CHECK_MESSAGE(text.str().find("`" + name + "`") != std::string::npos, name);
    const std::set<std::string> programs = first_fields(folder + "programs.tsv");
    for (const std::string& program : programs)
        CHECK_MESSAGE(std::filesystem::exists(source + "/configs/explore/" + program + ".cfg"),
                      program);
    std::ifstream verdicts(folder + "verdicts.tsv");
    std::string line;
    std::getline(verdicts, line);
    while (std::getline(verdicts, line)) {
        std::istringstream fields(line);
        std::string name;
        std::string verdict;
        std::string program;
        fields >> name >> verdict >> program;
        CHECK_MESSAGE((verdict == "killed" ? programs.count(program) == 1 : verdict == "survived"),
                      line);
    }
}

TEST_CASE("mutants: each still applies to the kernel")
{
    const std::string git = "git -C '" + source + "' ";
    if (std::system((git + "rev-parse >/dev/null 2>/dev/null").c_str()) != 0) {
        MESSAGE("SKIPPED: git or .git is missing");
        return;
    }
    for (const std::string& name : patches())
        CHECK_MESSAGE(
            std::system((git + "apply --check '" + folder + name + ".patch'").c_str()) == 0, name);
}
