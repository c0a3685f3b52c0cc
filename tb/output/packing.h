#pragma once

#include <string>
#include <string_view>

namespace mkclean
{

/// The same bytes on every machine with the same zlib: no name, no time. Error: std::bad_alloc.
std::string gzip(std::string_view bytes);

/// With padding, in one line.
std::string base64(std::string_view bytes);

} // namespace mkclean
