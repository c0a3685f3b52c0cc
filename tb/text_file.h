#pragma once

#include "sim/input_error.h"

#include <string>
#include <string_view>

namespace mkclean
{

/// The bytes of a file that people write: a config, a script. Error: for a file that is missing,
/// unreadable or a directory, input_error that blames `asked_by`, or file_error if that is the
/// command line; input_error for one over 1 MiB. Of a missing file, the nearest name that is there
/// is told.
std::string read_text_file(const std::string& path, const origin& asked_by);

/// Takes the next line off `content`, without its end (LF or CRLF). `content` must not be empty.
std::string_view take_line(std::string_view& content);

/// `content` without the UTF-8 byte order mark it may begin with.
std::string_view without_byte_order_mark(std::string_view content);

/// `line` without a comment: a `#` at its start or behind a blank, and what follows.
std::string_view without_comment(std::string_view line);

} // namespace mkclean
