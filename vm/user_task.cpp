#include "vm/user_task.h"
#include "vm/filemap.h"
#include "vm/gup.h"
#include "vm/madvise.h"
#include "vm/migrate.h"
#include "vm/mmap.h"
#include "vm/reclaim.h"
#include "vm/sync.h"
#include "vm/truncate.h"

#include <cstring>
#include <string>
#include <type_traits>

namespace mkclean
{

namespace
{

const step_site site_device_store{"device store", place::none, show_bytes};

} // namespace

template <class Call>
auto user_task::system_call(Call&& call)
{
    m_cpu.enter_kernel(m_cpu.cost().syscall_entry);
    if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
        call();
        m_cpu.exit_kernel(m_cpu.cost().syscall_exit);
    } else {
        auto result = call();
        m_cpu.exit_kernel(m_cpu.cost().syscall_exit);
        return result;
    }
}

inode& user_task::open(inode_number ino)
{
    return *system_call([&] {
        inode& file = m_kernel.fs.open(m_cpu, ino);
        m_kernel.f_wb_err[{m_cpu.id(), ino}] = file.mapping.wb_err.sample();
        return &file;
    });
}

int user_task::ftruncate(inode& file, std::uint64_t size)
{
    return system_call([&] {
        const lock_guard<mutex> guard(m_cpu, file.i_mutex);
        return do_truncate(m_kernel, m_cpu, file, size);
    });
}

virtual_address user_task::mmap(inode* file, page_index pgoff, std::uint64_t length, vm_flags flags,
                                virtual_address fixed)
{
    return system_call(
        [&] { return do_mmap(m_kernel, m_cpu, m_mm, file, pgoff, length, flags, fixed); });
}

int user_task::munmap(virtual_address start, std::uint64_t length)
{
    return system_call([&] { return do_munmap(m_kernel, m_cpu, m_mm, start, length); });
}

int user_task::remap_file_pages(virtual_address start, page_index pgoff)
{
    return system_call([&] { return do_remap_file_pages(m_kernel, m_cpu, m_mm, start, pgoff); });
}

virtual_address user_task::mremap(virtual_address start, bool dontunmap)
{
    return system_call([&] { return do_mremap(m_kernel, m_cpu, m_mm, start, dontunmap); });
}

int user_task::madvise_dontneed(virtual_address start, std::uint64_t length)
{
    return system_call(
        [&] { return mkclean::madvise_dontneed(m_kernel, m_cpu, m_mm, start, length); });
}

int user_task::msync(virtual_address start, std::uint64_t length)
{
    return system_call([&] { return do_msync(m_kernel, m_cpu, m_mm, start, start + length); });
}

int user_task::fsync(inode& file)
{
    return system_call([&] { return do_fsync(m_kernel, m_cpu, file); });
}

std::int64_t user_task::pread(inode& file, std::uint64_t offset, std::byte* to,
                              std::uint64_t length)
{
    return system_call(
        [&] { return generic_file_read(m_kernel, m_cpu, file, offset, to, length); });
}

std::int64_t user_task::pwrite(inode& file, std::uint64_t offset, const std::byte* from,
                               std::uint64_t length)
{
    return system_call(
        [&] { return generic_file_write(m_kernel, m_cpu, file, offset, from, length); });
}

void user_task::fadvise_dontneed(inode& file)
{
    system_call([&] { mkclean::fadvise_dontneed(m_kernel, m_cpu, file); });
}

void user_task::sync()
{
    system_call([&] { do_sync(m_kernel, m_cpu); });
}

void user_task::reclaim()
{
    system_call([&] { try_to_free_pages(m_kernel, m_cpu); });
}

std::uint64_t user_task::migrate(inode& file)
{
    return system_call([&] { return migrate_pages(m_kernel, m_cpu, file); });
}

page& user_task::pin(virtual_address va)
{
    return *system_call([&] { return &get_user_page(m_kernel, m_cpu, m_mm, va); });
}

// The device is told now, and stores when it gets round to it.
void user_task::device_stores(page& pg, std::uint64_t offset, const std::byte* bytes,
                              std::uint64_t length)
{
    m_cpu.sync();
    m_cpu.note(site_device_store, subject_of(pg), offset, offset + length - 1);
    m_cpu.sync();
    std::memcpy(m_kernel.memory.frame_to_store(pg.frame) + offset, bytes, length);
    if (m_kernel.observer != nullptr && pg.mapping != nullptr)
        m_kernel.observer->on_file_write(m_cpu, pg.mapping->host(),
                                         pg.index.raw() * page_size + offset, bytes, length);
}

void user_task::unpin(page& pg)
{
    system_call([&] {
        unpin_user_page(m_kernel, m_cpu, pg);
        if (m_kernel.observer != nullptr)
            m_kernel.observer->on_file_written(m_cpu);
    });
}

void user_task::sleep(picoseconds duration)
{
    system_call([&] {
        m_cpu.sync();
        m_cpu.sleep_for(duration);
    });
}

void user_task::futex_wait(wait_queue& queue, const std::function<bool()>& ready)
{
    system_call([&] { m_cpu.block_until(queue, ready); });
}

void user_task::futex_wake(wait_queue& queue)
{
    system_call([&] {
        m_cpu.sync();
        queue.wake_all();
    });
}

void user_task::exit_mm()
{
    system_call([&] { exit_mmap(m_kernel, m_cpu, m_mm); });
}

} // namespace mkclean
