#include "tb/configs_directory.h"
#include "sim/input_error.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace mkclean
{

std::string configs_directory(const std::string& name)
{
    const std::filesystem::path wanted = std::filesystem::path("configs") / name;
    std::error_code error;
    std::filesystem::path above =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (; above.has_relative_path(); above = above.parent_path())
        for (const std::filesystem::path& directory :
             {above / wanted, above / "share" / "mkclean" / wanted})
            if (std::filesystem::is_directory(directory, error))
                return directory.string();
    throw input_error(
        origin(), "directory",
        fmt::format("there is no {} above this program; say where it is", wanted.string()));
}

} // namespace mkclean
