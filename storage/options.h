#pragma once

#include "storage/fs/ext3.h"

namespace mkclean
{

class option_set;
struct disk_options;

enum class filesystem_type { ext2, ext3 };

/// fs.*: what is mounted, and how.
struct filesystem_options {
    filesystem_type type = filesystem_type::ext3;
    std::uint64_t block_size = 4096; ///< bytes: 1024, 2048 or 4096
    data_mode data = data_mode::ordered;
    journal_options journal;
    backing_dev_info bdi;

    void declare(option_set& options);
};

void declare_disk_options(disk_options& disk, option_set& options);

} // namespace mkclean
