#include "storage/fs/tests/fs_world.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mkclean;

namespace
{

// Which block of the file a path leads to: path_to() the other way round.
std::uint64_t block_at(const block_path& path, std::uint32_t block_size)
{
    if (path.depth == 1)
        return path.slot[0];
    const std::uint64_t per_table = block_size / 4;
    std::uint64_t within = 0;
    std::uint64_t before = direct_pointers;
    std::uint64_t reach = 1;
    for (unsigned level = 1; level < path.depth; ++level) {
        within = within * per_table + path.slot[level];
        before += level > 1 ? reach : 0;
        reach *= per_table;
    }
    return before + within;
}

std::uint64_t largest_file(std::uint32_t block_size)
{
    const std::uint64_t n = block_size / 4;
    return direct_pointers + n + n * n + n * n * n;
}

} // namespace

TEST_CASE("the way to a block of a file leads to that block and to no other")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        const std::uint64_t n = size / 4;
        for (const std::uint64_t edge :
             {std::uint64_t{0}, std::uint64_t{direct_pointers}, direct_pointers + n,
              direct_pointers + n + n * n, direct_pointers + n + 2 * n, largest_file(size)}) {
            for (std::uint64_t block = edge < 20 ? 0 : edge - 20; block < edge + 20; ++block) {
                CAPTURE(size);
                CAPTURE(block);
                const block_path path = path_to(block, size);
                if (block >= largest_file(size)) {
                    CHECK(path.depth == 0);
                    continue;
                }
                const unsigned depth = block < direct_pointers               ? 1
                                       : block < direct_pointers + n         ? 2
                                       : block < direct_pointers + n + n * n ? 3
                                                                             : 4;
                REQUIRE(path.depth == depth);
                CHECK(path.slot[0] == (depth == 1 ? block : direct_pointers + depth - 2));
                for (unsigned level = 1; level < depth; ++level)
                    CHECK(path.slot[level] < n);
                CHECK(block_at(path, size) == block);
            }
        }
    }
}

TEST_CASE("what is written to the disk in the house's byte order is read back, and is that of a PC")
{
    std::array<std::byte, 128> bytes{};
    put_u32(bytes.data(), 0x0403'0201);
    put_u64(bytes.data() + 4, 0x0c0b'0a09'0807'0605);
    for (unsigned i = 0; i < 12; ++i)
        CHECK(std::to_integer<unsigned>(bytes[i]) == i + 1);
    CHECK(get_u32(bytes.data()) == 0x0403'0201);
    CHECK(get_u64(bytes.data() + 4) == 0x0c0b'0a09'0807'0605);

    inode_layout node;
    node.size = 0x1234'5678'9abc;
    for (unsigned i = 0; i < inode_pointers; ++i)
        node.block[i] = 0x8000'0000 + i;
    node.write(bytes.data());
    CHECK(inode_layout::read(bytes.data()).size == node.size);
    CHECK(inode_layout::read(bytes.data()).block == node.block);

    journal_header header;
    header.type = journal_header::kind::commit;
    header.sequence = 77;
    header.count = 5;
    header.write(bytes.data());
    const journal_header again = journal_header::read(bytes.data());
    CHECK(again.magic == journal_header::expected_magic);
    CHECK(again.type == journal_header::kind::commit);
    CHECK(again.sequence == 77);
    CHECK(again.count == 5);
}

TEST_CASE("mkfs makes a filesystem with its files, all holes, and nothing overlaps")
{
    for (const std::uint32_t size : {1024u, 2048u, 4096u}) {
        for (const std::uint64_t sectors : {3'000u, 3'007u, 40'001u, 70'000u}) {
            for (const std::uint64_t journal_blocks : {0u, 64u}) {
                CAPTURE(size);
                CAPTURE(sectors);
                CAPTURE(journal_blocks);
                disk_media media(sectors, leftover::pattern);
                const super_block_layout made =
                    mkfs(media, size, journal_blocks, {0, 5000, std::uint64_t{1} << 33});
                const recovered_filesystem fs(media);
                REQUIRE(fs.valid());
                const super_block_layout& sb = fs.layout();
                CHECK(sb.block_size == size);
                CHECK(sb.blocks == sectors * sector_size / size);
                CHECK(sb.first_data == made.first_data);
                CHECK(sb.block_bitmap == 1);
                CHECK(sb.inode_table > sb.block_bitmap);
                CHECK(sb.journal > sb.inode_table);
                CHECK(sb.first_data == sb.journal + journal_blocks);
                CHECK(fs.replayed() == 0);
                CHECK(fsck(fs) == "");
                CHECK(fs.read_inode(1).size == 0);
                CHECK(fs.read_inode(2).size == 5000);
                CHECK(fs.read_inode(3).size == std::uint64_t{1} << 33);
                CHECK(fs.read_inode(4).size == 0);
            }
        }
    }
}

TEST_CASE("a disk without room for a single block of data is refused")
{
    disk_media media(3'000, leftover::pattern);
    CHECK_THROWS_AS(mkfs(media, 4096, 375, {0}), std::invalid_argument);
    disk_media tiny(8, leftover::pattern);
    CHECK_THROWS_AS(mkfs(tiny, 4096, 0, {0}), std::invalid_argument);
}

TEST_CASE("fsck sees what is wrong")
{
    disk_media media(3'000, leftover::pattern);
    const super_block_layout sb = mkfs(media, 1024, 0, {0, 0});
    const auto with_pointer = [&](std::uint64_t ino, unsigned slot, std::uint32_t block) {
        std::vector<std::byte> table = read_block(media, 1024, sb.inode_table);
        put_u32(table.data() + (ino - 1) * inode_layout::bytes + 8 + 4 * slot, block);
        write_block(media, sb.inode_table, table);
        return fsck(recovered_filesystem(media));
    };
    const auto block = static_cast<std::uint32_t>(sb.first_data + 5);
    CHECK(with_pointer(1, 0, block) != ""); // not in the bitmap
    std::vector<std::byte> bitmap = read_block(media, 1024, sb.block_bitmap);
    bitmap[block / 8] |= std::byte{1} << (block % 8);
    write_block(media, sb.block_bitmap, bitmap);
    CHECK(with_pointer(1, 0, block) == "");
    CHECK(with_pointer(2, 3, block) != ""); // twice
    CHECK(with_pointer(2, 3, 2) != "");     // not data
    CHECK(with_pointer(2, 3, 5'000'000) != "");
    CHECK(with_pointer(2, 3, 0) == "");
    CHECK(with_pointer(1, 0, 0) != ""); // in the bitmap and in no file
}
