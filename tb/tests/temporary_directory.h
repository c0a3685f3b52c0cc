#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <unistd.h>

namespace mkclean
{

/// A directory of its own for the files of one test.
class temporary_directory
{
public:
    temporary_directory()
    {
        std::string name = std::filesystem::temp_directory_path() / "mkclean-test-XXXXXX";
        m_path = ::mkdtemp(name.data());
    }
    ~temporary_directory() { std::filesystem::remove_all(m_path); }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    std::string path(const std::string& name) const { return m_path + "/" + name; }
    /// Returns the file's path.
    std::string write(const std::string& name, std::string_view content) const
    {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << content;
        return path(name);
    }
    /// What a file holds; nothing if there is none.
    std::string read(const std::string& name) const
    {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    /// A message as it would be if this were the working directory.
    std::string without_directory(std::string text) const
    {
        const std::string directory = m_path + "/";
        for (std::size_t at = text.find(directory); at != std::string::npos;
             at = text.find(directory))
            text.erase(at, directory.size());
        return text;
    }

private:
    std::string m_path;
};

} // namespace mkclean
