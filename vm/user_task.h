#pragma once

#include "vm/kernel.h"

#include <functional>

namespace mkclean
{

/// A thread of a user program: loads, stores, and the system calls it may make. Every member runs
/// on the thread's own core and is charged to it. Accesses that nothing allows throw user_signal.
class user_task
{
public:
    user_task(kernel& k, core& cpu, mm_struct& mm) : m_kernel(k), m_cpu(cpu), m_mm(mm) {}

    core& cpu() const { return m_cpu; }
    mm_struct& mm() const { return m_mm; }
    picoseconds now() const { return m_cpu.now(); }

    void store(virtual_address va, const void* bytes, std::size_t length)
    {
        m_cpu.store(va, bytes, length);
    }
    void load(virtual_address va, void* bytes, std::size_t length)
    {
        m_cpu.load(va, bytes, length);
    }
    void compute(cycles duration) { m_cpu.compute(duration); }
    /// Busy until that instant (core::compute_until).
    void compute_until(picoseconds when) { m_cpu.compute_until(when); }

    inode& open(inode_number ino);
    int ftruncate(inode& file, std::uint64_t size);
    /// Address 0: it cannot be.
    virtual_address mmap(inode* file, page_index pgoff, std::uint64_t length, vm_flags flags,
                         virtual_address fixed = virtual_address());
    int munmap(virtual_address start, std::uint64_t length);
    /// The new address; 0: it cannot be (do_mremap()).
    virtual_address mremap(virtual_address start, bool dontunmap = false);
    int remap_file_pages(virtual_address start, page_index pgoff);
    /// MADV_DONTNEED.
    int madvise_dontneed(virtual_address start, std::uint64_t length);
    int msync(virtual_address start, std::uint64_t length);
    int fsync(inode& file);
    std::int64_t pread(inode& file, std::uint64_t offset, std::byte* to, std::uint64_t length);
    std::int64_t pwrite(inode& file, std::uint64_t offset, const std::byte* from,
                        std::uint64_t length);
    void fadvise_dontneed(inode& file);
    void sync();
    /// What this thread would do if there were no free page.
    void reclaim();
    /// See migrate_pages().
    std::uint64_t migrate(inode& file);
    /// A device gets hold of the page, stores to it by itself, and lets go of it.
    page& pin(virtual_address va);
    void device_stores(page& pg, std::uint64_t offset, const std::byte* bytes,
                       std::uint64_t length);
    void unpin(page& pg);
    void sleep(picoseconds duration);
    /// As futex(2): sleeps on `queue` until `ready()`, which is asked at once and after every
    /// wakeup.
    void futex_wait(wait_queue& queue, const std::function<bool()>& ready);
    void futex_wake(wait_queue& queue);
    /// The process ends: everything is unmapped.
    void exit_mm();

private:
    template <class Call>
    auto system_call(Call&& call);

    kernel& m_kernel;
    core& m_cpu;
    mm_struct& m_mm;
};

} // namespace mkclean
