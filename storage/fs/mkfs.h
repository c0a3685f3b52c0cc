#pragma once

#include "storage/disk/media.h"
#include "storage/fs/layout.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace mkclean
{

/// The media have fewer sectors than the filesystem's own structures take.
struct disk_too_small : std::invalid_argument {
    explicit disk_too_small(std::uint64_t sectors)
        : std::invalid_argument("expected at least " + std::to_string(sectors) +
                                " sectors for an empty filesystem")
    {
    }
};

/// Puts an empty filesystem on the media, outside time: files 1..n exist with the sizes given and
/// consist of holes. `journal_blocks` 0 makes an ext2. Throws disk_too_small if it does not fit on
/// the media.
super_block_layout mkfs(disk_media& media, std::uint32_t block_size, std::uint64_t journal_blocks,
                        const std::vector<std::uint64_t>& file_sizes);

/// One block of a filesystem, straight from the media.
std::vector<std::byte> read_block(const disk_media& media, std::uint32_t block_size,
                                  std::uint64_t block);
void write_block(disk_media& media, std::uint64_t block, const std::vector<std::byte>& bytes);

} // namespace mkclean
