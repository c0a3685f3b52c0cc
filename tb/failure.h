#pragma once

#include <exception>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace mkclean
{

/// Why the program ends without having done what it was asked for.
struct failure {
    int code = 0;        ///< one of exit_code
    std::string line;    ///< all of it, for people; printable
    std::string message; ///< without the place, the option and the hint
    std::string option;  ///< that it is about, without dashes; or ""
    std::string where;   ///< "FILE:LINE", a file, "command line"; or ""
    std::string hint;    ///< "did you mean 'X'?"; or ""
};

/// What an exception means to whoever started the program: input_error is 2, file_error and
/// std::filesystem::filesystem_error are 3, anything else 70.
failure failure_of(const std::exception_ptr& thrown);

/// {"error": {"code", "message", "option", "where", "hint"}}, without those that are empty.
nlohmann::ordered_json failure_json(const failure& why);

} // namespace mkclean
