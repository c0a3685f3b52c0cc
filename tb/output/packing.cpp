#include "tb/output/packing.h"

#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/transform_width.hpp>
#include <zlib.h>

#include <new>

namespace mkclean
{

std::string gzip(std::string_view bytes)
{
    constexpr int gzip_window = MAX_WBITS + 16;
    constexpr int memory_level = 8;
    z_stream stream = {};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string packed(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

std::string base64(std::string_view bytes)
{
    using namespace boost::archive::iterators;
    using sextets = base64_from_binary<transform_width<std::string_view::const_iterator, 6, 8>>;
    std::string text(sextets(bytes.begin()), sextets(bytes.end()));
    text.append((3 - bytes.size() % 3) % 3, '=');
    return text;
}

} // namespace mkclean
