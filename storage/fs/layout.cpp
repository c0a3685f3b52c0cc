#include "storage/fs/layout.h"

namespace mkclean
{

namespace
{

template <class T>
T get(const std::byte* from)
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(from[i]) << (8 * i)));
    return value;
}

template <class T>
void put(std::byte* to, T value)
{
    for (std::size_t i = 0; i < sizeof(T); ++i)
        to[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}

} // namespace

std::uint32_t get_u32(const std::byte* from)
{
    return get<std::uint32_t>(from);
}
std::uint64_t get_u64(const std::byte* from)
{
    return get<std::uint64_t>(from);
}
void put_u32(std::byte* to, std::uint32_t value)
{
    put(to, value);
}
void put_u64(std::byte* to, std::uint64_t value)
{
    put(to, value);
}

super_block_layout super_block_layout::read(const std::byte* from)
{
    super_block_layout sb;
    sb.magic = get_u32(from);
    sb.block_size = get_u32(from + 4);
    sb.blocks = get_u64(from + 8);
    sb.block_bitmap = get_u64(from + 16);
    sb.inode_table = get_u64(from + 24);
    sb.inodes = get_u64(from + 32);
    sb.journal = get_u64(from + 40);
    sb.journal_blocks = get_u64(from + 48);
    sb.first_data = get_u64(from + 56);
    return sb;
}

void super_block_layout::write(std::byte* to) const
{
    put_u32(to, magic);
    put_u32(to + 4, block_size);
    put_u64(to + 8, blocks);
    put_u64(to + 16, block_bitmap);
    put_u64(to + 24, inode_table);
    put_u64(to + 32, inodes);
    put_u64(to + 40, journal);
    put_u64(to + 48, journal_blocks);
    put_u64(to + 56, first_data);
}

inode_layout inode_layout::read(const std::byte* from)
{
    inode_layout inode;
    inode.size = get_u64(from);
    for (unsigned i = 0; i < inode_pointers; ++i)
        inode.block[i] = get_u32(from + 8 + std::size_t{4} * i);
    return inode;
}

void inode_layout::write(std::byte* to) const
{
    put_u64(to, size);
    for (unsigned i = 0; i < inode_pointers; ++i)
        put_u32(to + 8 + std::size_t{4} * i, block[i]);
}

block_path path_to(std::uint64_t file_block, std::uint32_t block_size)
{
    block_path path;
    if (file_block < direct_pointers) {
        path.depth = 1;
        path.slot[0] = static_cast<std::uint32_t>(file_block);
        return path;
    }
    const std::uint64_t per_block = block_size / 4;
    std::uint64_t rest = file_block - direct_pointers;
    std::uint64_t reach = per_block; // blocks below one pointer of this indirection
    for (unsigned indirection = 1; indirection <= 3; ++indirection) {
        if (rest < reach) {
            path.depth = indirection + 1;
            path.slot[0] = direct_pointers + indirection - 1;
            for (unsigned level = indirection; level > 0; --level) {
                path.slot[level] = static_cast<std::uint32_t>(rest % per_block);
                rest /= per_block;
            }
            return path;
        }
        rest -= reach;
        reach *= per_block;
    }
    return path;
}

journal_header journal_header::read(const std::byte* from)
{
    journal_header header;
    header.magic = get_u32(from);
    header.type = static_cast<kind>(get_u32(from + 4));
    header.sequence = get_u32(from + 8);
    header.count = get_u32(from + 12);
    return header;
}

void journal_header::write(std::byte* to) const
{
    put_u32(to, magic);
    put_u32(to + 4, static_cast<std::uint32_t>(type));
    put_u32(to + 8, sequence);
    put_u32(to + 12, count);
}

} // namespace mkclean
