#include "storage/fs/ext2.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mkclean
{

// ---- the block device's own pages ---------------------------------------------------------------

int device_mapping::writepage(actor& self, page& pg, writeback_control& wbc)
{
    return m_io.block_write_full_page(self, pg, *this, wbc);
}

int device_mapping::readpage(actor& self, page& pg)
{
    return m_io.block_read_full_page(self, pg, *this);
}

int device_mapping::prepare_write(actor&, page&, std::uint32_t, std::uint32_t)
{
    return -EINVAL;
}
int device_mapping::commit_write(actor&, page&, std::uint32_t, std::uint32_t)
{
    return -EINVAL;
}

int device_mapping::get_block(actor&, inode&, std::uint64_t file_block, buffer_head& bh, bool)
{
    bh.blocknr = block_number(file_block);
    bh.set(buffer_flag::mapped);
    return 0;
}

// ---- files --------------------------------------------------------------------------------------

ext2::ext2(page_cache& cache, buffer_io& io, const super_block_layout& layout,
           backing_dev_info& bdi, bool barrier)
    : m_cache(cache),
      m_io(io),
      m_layout(layout),
      m_bdi(bdi),
      m_barrier(barrier),
      m_device_mapping(io, layout.block_size),
      m_device_inode(device_inode_number, cache, m_device_mapping, m_device_bdi)
{
    m_device_inode.size = layout.blocks * layout.block_size;
    m_device_bdi.write_congested = bdi.write_congested;
}

ext2::~ext2() = default;

inode& ext2::open(actor& self, inode_number ino)
{
    std::unique_ptr<ext2_inode>& file = m_inodes[ino];
    if (!file) {
        auto fresh = std::make_unique<ext2_inode>(ino, m_cache, *this, m_bdi);
        const std::uint64_t per_block = m_layout.block_size / inode_layout::bytes;
        const std::uint64_t number = ino.raw() - 1;
        buffer_head& bh = read_metadata(self, m_layout.inode_table + number / per_block);
        fresh->raw =
            inode_layout::read(m_io.bytes_of(bh) + number % per_block * inode_layout::bytes);
        fresh->size = fresh->raw.size;
        release(bh);
        if (!file)
            file = std::move(fresh);
    }
    return *file;
}

void ext2::flush_device(actor& self)
{
    if (m_barrier)
        m_io.device().issue_flush(self);
}

int ext2::truncate(actor& self, inode& file, std::uint64_t size)
{
    if (size < file.size)
        return -EINVAL;
    file.size = size;
    size_changed(self, of(file));
    return 0;
}

// Dirty without a reservation: nobody knows where to put it.
static void discard_unreserved(actor& self, page& pg)
{
    for (buffer_head& bh : pg.buffers)
        if (!bh.test(buffer_flag::reserved))
            test_and_clear_buffer_dirty(self, bh);
}

static void reserve(page& pg, std::uint32_t from, std::uint32_t to)
{
    for (buffer_head& bh : pg.buffers)
        if (bh.offset_in_page() + bh.size > from && bh.offset_in_page() < to)
            bh.set(buffer_flag::reserved);
}

int ext2::writepage(actor& self, page& pg, writeback_control& wbc)
{
    if (m_cache.policies().reserves_blocks) {
        if (!pg.has_buffers())
            m_io.create_dirty_buffers(self, pg, block_size());
        discard_unreserved(self, pg);
    }
    return m_io.block_write_full_page(self, pg, *this, wbc);
}

int ext2::readpage(actor& self, page& pg)
{
    return m_io.block_read_full_page(self, pg, *this);
}

int ext2::prepare_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to)
{
    return m_io.block_prepare_write(self, pg, from, to, *this);
}

int ext2::commit_write(actor& self, page& pg, std::uint32_t from, std::uint32_t to)
{
    inode& file = pg.mapping->host();
    if (m_cache.policies().reserves_blocks)
        reserve(pg, from, to);
    m_io.block_commit_write(self, pg, from, to);
    const std::uint64_t end = pg.index.raw() * page_size + to;
    if (end > file.size) {
        file.size = end;
        size_changed(self, of(file));
    }
    return 0;
}

// block_page_mkwrite() (5417169026c3): as if all of the page that is within the file were written.
int ext2::page_mkwrite(actor& self, page& pg)
{
    const std::uint64_t begin = pg.index.raw() * page_size;
    const auto end =
        static_cast<std::uint32_t>(std::min(page_size, pg.mapping->host().size - begin));
    if (const int error = m_io.block_prepare_write(self, pg, 0, end, *this))
        return error;
    if (m_cache.policies().reserves_blocks)
        reserve(pg, 0, end);
    return m_io.block_commit_write(self, pg, 0, end);
}

void ext2::invalidatepage(actor& self, page& pg, std::uint32_t offset)
{
    if (m_cache.policies().invalidatepage_redirties)
        for (buffer_head& bh : pg.buffers)
            if (bh.offset_in_page() >= offset && test_and_clear_buffer_dirty(self, bh))
                mark_buffer_dirty(self, bh);
    block_invalidatepage(self, pg, offset);
}

// ---- metadata -----------------------------------------------------------------------------------

// Pages of the device stay in memory once they are there (docs/caveats.md).
buffer_head& ext2::metadata_buffer(actor& self, std::uint64_t block)
{
    const std::uint64_t per_page = page_size / m_layout.block_size;
    page& pg =
        m_cache.find_or_create_page(self, m_device_inode.mapping, page_index(block / per_page));
    if (pg.has_buffers()) {
        m_cache.put_page(pg);
    } else {
        create_empty_buffers(self, pg, m_layout.block_size);
        for (buffer_head& bh : pg.buffers) {
            bh.blocknr = block_number(pg.index.raw() * per_page + bh.index);
            bh.set(buffer_flag::mapped);
        }
    }
    unlock_page(self, pg);
    buffer_head& bh = pg.buffers.begin()[block % per_page];
    ++bh.count;
    return bh;
}

buffer_head& ext2::read_metadata(actor& self, std::uint64_t block)
{
    buffer_head& bh = metadata_buffer(self, block);
    if (!bh.uptodate())
        m_io.read_and_wait(self, bh);
    return bh;
}

void ext2::dirty_metadata(actor& self, buffer_head& bh, ext2_inode* owner)
{
    mark_buffer_dirty(self, bh);
    if (owner != nullptr)
        owner->dirty_metadata.insert(&bh);
}

void ext2::dirty_inode(actor& self, ext2_inode& file)
{
    mark_inode_dirty(self, file, inode_state::dirty_sync);
}

std::uint64_t ext2::inodes_per_block() const
{
    return m_layout.block_size / inode_layout::bytes;
}

buffer_head& ext2::read_inode_block(actor& self, const inode& file)
{
    return read_metadata(self, m_layout.inode_table + (file.ino.raw() - 1) / inodes_per_block());
}

buffer_head& ext2::store_inode(actor& self, ext2_inode& file)
{
    buffer_head& bh = read_inode_block(self, file);
    begin_change(self, bh);
    file.raw.size = file.size;
    const std::uint64_t slot = (file.ino.raw() - 1) % inodes_per_block();
    file.raw.write(m_io.bytes_to_store(bh) + slot * inode_layout::bytes);
    return bh;
}

void ext2::write_inode(actor& self, inode& file, bool wait)
{
    buffer_head& bh = store_inode(self, of(file));
    mark_buffer_dirty(self, bh);
    if (wait)
        m_io.sync_dirty_buffer(self, bh);
    release(bh);
}

int ext2::fsync(actor& self, inode& file)
{
    for (buffer_head* bh : std::exchange(of(file).dirty_metadata, {}))
        m_io.sync_dirty_buffer(self, *bh);
    self.sync();
    const bool doubt = believes_no_clean_inode();
    if (doubt)
        self.block_until(file.waiters, [&] { return !file.test(inode_state::syncing); });
    if (file.test(inode_state::dirty_sync)) {
        file.clear(inode_state::dirty_sync);
        write_inode(self, file, true);
    } else if (doubt) {
        buffer_head& bh = read_inode_block(self, file); // which a flusher has left to be written
        m_io.sync_dirty_buffer(self, bh);
        release(bh);
    }
    return 0;
}

// ---- blocks -------------------------------------------------------------------------------------

struct ext2::pointer {
    ext2_inode& file;
    buffer_head* indirect = nullptr; // null: the pointer is in the inode
    std::byte* table = nullptr;
    std::uint32_t slot = 0;

    std::uint32_t get() const
    {
        return table == nullptr ? file.raw.block.at(slot) : get_u32(table + std::size_t{4} * slot);
    }
    void set(std::uint32_t block) const
    {
        if (table == nullptr)
            file.raw.block.at(slot) = block;
        else
            put_u32(table + std::size_t{4} * slot, block);
    }
};

// ext2_find_near: behind the block before, or else behind the table the pointer is in.
std::uint64_t ext2::goal_for(const pointer& at) const
{
    pointer before = at;
    while (before.slot > 0) {
        --before.slot;
        if (before.get() != 0)
            return std::uint64_t{before.get()} + (at.slot - before.slot);
    }
    return at.indirect != nullptr ? at.indirect->blocknr.raw() + 1 : m_layout.first_data;
}

bool ext2::allocate_in(actor& self, std::uint64_t bitmap_block, std::uint64_t from_bit,
                       std::uint64_t& bit)
{
    buffer_head& bh = read_metadata(self, m_layout.block_bitmap + bitmap_block);
    begin_change(self, bh);
    self.spend(self.cost().function);
    self.sync();
    std::byte* const bits = m_io.bytes_to_store(bh);
    const std::uint64_t end = std::uint64_t{m_layout.block_size} * 8;
    for (bit = from_bit; bit < end; ++bit) {
        if (bit % 8 == 0 && bits[bit / 8] == std::byte{0xff}) {
            bit += 7;
            continue;
        }
        if ((bits[bit / 8] >> (bit % 8) & std::byte{1}) == std::byte{0}) {
            bits[bit / 8] |= std::byte{1} << (bit % 8);
            dirty_metadata(self, bh, nullptr);
            release(bh);
            return true;
        }
    }
    release(bh);
    return false;
}

// 0: the disk is full.
std::uint64_t ext2::allocate_block(actor& self, std::uint64_t goal)
{
    const lock_guard<mutex> guard(self, m_bitmap_mutex);
    const std::uint64_t bits = std::uint64_t{m_layout.block_size} * 8;
    const std::uint64_t bitmaps = (m_layout.blocks + bits - 1) / bits;
    if (goal < m_layout.first_data || goal >= m_layout.blocks)
        goal = m_layout.first_data;
    for (std::uint64_t i = 0; i <= bitmaps; ++i) {
        const std::uint64_t bitmap = (goal / bits + i) % bitmaps;
        std::uint64_t bit = 0;
        if (allocate_in(self, bitmap, i == 0 ? goal % bits : 0, bit))
            return bitmap * bits + bit;
    }
    return 0;
}

int ext2::fill_hole(actor& self, ext2_inode& file, pointer& at, bool indirect)
{
    const std::uint64_t block = allocate_block(self, goal_for(at));
    if (block == 0)
        return -ENOSPC;
    if (indirect) {
        buffer_head& table = metadata_buffer(self, block);
        begin_change(self, table);
        std::memset(m_io.bytes_to_store(table), 0, table.size);
        table.set(buffer_flag::uptodate);
        dirty_metadata(self, table, &file);
        release(table);
    }
    if (at.indirect != nullptr)
        begin_change(self, *at.indirect);
    at.set(static_cast<std::uint32_t>(block));
    if (at.indirect == nullptr)
        dirty_inode(self, file);
    else
        dirty_metadata(self, *at.indirect, &file);
    return 0;
}

int ext2::get_block(actor& self, inode& file, std::uint64_t file_block, buffer_head& bh,
                    bool create)
{
    ext2_inode& node = of(file);
    const block_path path = path_to(file_block, m_layout.block_size);
    if (path.depth == 0)
        return -EFBIG;
    self.spend(self.cost().function);
    const lock_guard<mutex> guard(self, node.truncate_mutex);

    pointer at{node};
    at.slot = path.slot[0];
    int error = 0;
    bool created = false;
    for (unsigned level = 1;; ++level) {
        const bool leaf = level == path.depth;
        if (at.get() == 0) {
            if (!create)
                break;
            error = fill_hole(self, node, at, !leaf);
            if (error != 0)
                break;
            created = leaf;
        }
        const std::uint64_t block = at.get();
        if (at.indirect != nullptr)
            release(*at.indirect);
        at.indirect = nullptr;
        if (leaf) {
            bh.blocknr = block_number(block);
            bh.set(buffer_flag::mapped);
            if (created)
                bh.set(buffer_flag::is_new);
            return 0;
        }
        at.indirect = &read_metadata(self, block);
        at.table = m_io.bytes_of(*at.indirect);
        at.slot = path.slot[level];
    }
    if (at.indirect != nullptr)
        release(*at.indirect);
    return error;
}

void ext2::free_block(actor& self, std::uint64_t block)
{
    const lock_guard<mutex> guard(self, m_bitmap_mutex);
    const std::uint64_t bits = std::uint64_t{m_layout.block_size} * 8;
    buffer_head& bh = read_metadata(self, m_layout.block_bitmap + block / bits);
    begin_change(self, bh);
    self.spend(self.cost().function);
    self.sync();
    m_io.bytes_to_store(bh)[block % bits / 8] &= ~(std::byte{1} << (block % 8));
    dirty_metadata(self, bh, nullptr);
    release(bh);
}

struct ext2::branch {
    std::uint64_t block = 0;   // that the pointer names; 0: a hole
    unsigned levels = 0;       // of tables; 0: it is data
    std::uint64_t begin = 0;   // the first of the file's blocks below it
    std::uint64_t covered = 1; // how many there may be
};

// Frees what is at `first` or behind it. True if nothing is left, and the pointer is to go.
bool ext2::free_branch(actor& self, ext2_inode& file, const branch& what, std::uint64_t first)
{
    if (what.block == 0 || what.begin + what.covered <= first)
        return false;
    if (what.levels > 0) {
        buffer_head& table = read_metadata(self, what.block);
        const std::uint64_t pointers = m_layout.block_size / 4;
        branch below;
        below.levels = what.levels - 1;
        below.covered = what.covered / pointers;
        for (std::uint64_t slot = 0; slot < pointers; ++slot) {
            std::byte* const at = m_io.bytes_to_store(table) + 4 * slot;
            below.block = get_u32(at);
            below.begin = what.begin + slot * below.covered;
            if (!free_branch(self, file, below, first))
                continue;
            put_u32(at, 0);
            dirty_metadata(self, table, &file);
        }
        if (what.begin >= first) { // bforget()
            lock_buffer(self, table);
            test_and_clear_buffer_dirty(self, table);
            unlock_buffer(self, table);
            file.dirty_metadata.erase(&table);
        }
        release(table);
    }
    if (what.begin < first)
        return false;
    free_block(self, what.block);
    return true;
}

// What the last block holds behind the end of the file reads as zeros when that grows again. (All
// of the page is zeroed, and that block written.)
void ext2::block_truncate_page(actor& self, inode& file)
{
    const std::uint64_t in_page = file.size % page_size;
    if (file.size % m_layout.block_size == 0)
        return;
    page& pg = m_cache.find_or_create_page(self, file.mapping, page_index(file.size / page_size));
    if (!pg.uptodate()) {
        readpage(self, pg);
        lock_page(self, pg);
    }
    if (!pg.has_buffers())
        create_empty_buffers(self, pg, block_size());
    buffer_head& bh = pg.buffers.begin()[in_page / m_layout.block_size];
    if (!bh.mapped())
        get_block(self, file, file.size / m_layout.block_size, bh, false);
    if (bh.mapped() && pg.uptodate()) {
        m_io.zero_behind_end(self, pg);
        if (m_cache.policies().reserves_blocks)
            bh.set(buffer_flag::reserved);
        mark_buffer_dirty(self, bh);
    }
    unlock_page(self, pg);
    m_cache.put_page(pg);
}

void ext2::truncate_blocks(actor& self, inode& file)
{
    ext2_inode& node = of(file);
    block_truncate_page(self, file);
    {
        const lock_guard<mutex> guard(self, node.truncate_mutex);
        const std::uint64_t first = (file.size + m_layout.block_size - 1) / m_layout.block_size;
        branch what;
        for (unsigned slot = 0; slot < inode_pointers; ++slot) {
            if (slot >= direct_pointers) {
                ++what.levels;
                what.covered *= m_layout.block_size / 4;
            }
            what.block = node.raw.block.at(slot);
            if (free_branch(self, node, what, first))
                node.raw.block.at(slot) = 0;
            what.begin += what.covered;
        }
    }
    size_changed(self, node);
}

const buffer_head* ext2::peek_metadata(std::uint64_t block) const
{
    const std::uint64_t per_page = page_size / m_layout.block_size;
    page* const pg = m_device_inode.mapping.pages.lookup(page_index(block / per_page));
    if (pg == nullptr || !pg->has_buffers())
        return nullptr;
    return pg->buffers.begin() + block % per_page;
}

std::uint64_t ext2::peek_block(const inode& file, std::uint64_t file_block) const
{
    const block_path path = path_to(file_block, m_layout.block_size);
    if (path.depth == 0)
        return 0;
    std::uint64_t block = of(file).raw.block.at(path.slot[0]);
    for (unsigned level = 1; level < path.depth && block != 0; ++level) {
        const buffer_head* const table = peek_metadata(block);
        if (table == nullptr)
            return 0;
        block = get_u32(m_io.bytes_of(*table) + std::size_t{4} * path.slot[level]);
    }
    return block;
}

} // namespace mkclean
