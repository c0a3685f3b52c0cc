#pragma once

#include "sim/number.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mkclean
{

// What the filesystem looks like on its device. Everything is little endian.
//
//   block 0                   superblock
//   block_bitmap ...          one bit per block, 1 = in use
//   inode_table ...           128-byte inodes, number 1 first
//   journal ...               ext3 only: a ring of blocks, block 0 of it the journal superblock
//   first_data ...            data and indirect blocks
//
// An inode's 15 pointers are those of ext2: 12 direct, then one each of single, double and triple
// indirection. There are no directories: files are known by their inode numbers.

struct super_block_layout {
    static constexpr std::uint32_t expected_magic = 0x4e4c4b4d; // "MKLN"

    std::uint32_t magic = expected_magic;
    std::uint32_t block_size = 4096;
    std::uint64_t blocks = 0;
    std::uint64_t block_bitmap = 0;
    std::uint64_t inode_table = 0;
    std::uint64_t inodes = 0;
    std::uint64_t journal = 0;        ///< first block
    std::uint64_t journal_blocks = 0; ///< 0: there is none
    std::uint64_t first_data = 0;

    static super_block_layout read(const std::byte* from);
    void write(std::byte* to) const;
};

constexpr unsigned direct_pointers = 12;
constexpr unsigned inode_pointers = 15;

struct inode_layout {
    static constexpr std::size_t bytes = 128;

    std::uint64_t size = 0; ///< bytes
    std::array<std::uint32_t, inode_pointers> block{};

    static inode_layout read(const std::byte* from);
    void write(std::byte* to) const;
};

/// The way from an inode to one of its blocks: which pointer to follow at each level.
struct block_path {
    unsigned depth = 0; ///< pointers to follow, 1..4; 0: beyond the largest file
    std::array<std::uint32_t, 4> slot{};
};
block_path path_to(std::uint64_t file_block, std::uint32_t block_size);

/// Journal blocks begin with one of these (fs/jbd, simplified: no revokes, since no block is ever
/// freed, and no escaping, since data blocks are known by their place).
struct journal_header {
    static constexpr std::uint32_t expected_magic = 0xc03b3998; // that of JBD
    enum class kind : std::uint32_t { descriptor = 1, commit = 2, superblock = 4 };

    std::uint32_t magic = expected_magic;
    kind type = kind::descriptor;
    std::uint32_t sequence = 0; ///< of the transaction
    /// Descriptor: how many block numbers (u64 each) follow, and so how many blocks after this one.
    /// Superblock: where in the ring the transaction `sequence` begins, or would begin.
    std::uint32_t count = 0;

    static constexpr std::size_t bytes = 16;
    static journal_header read(const std::byte* from);
    void write(std::byte* to) const;
};

std::uint32_t get_u32(const std::byte* from);
std::uint64_t get_u64(const std::byte* from);
void put_u32(std::byte* to, std::uint32_t value);
void put_u64(std::byte* to, std::uint64_t value);

} // namespace mkclean
