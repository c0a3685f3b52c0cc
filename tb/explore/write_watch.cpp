#include "tb/explore/write_watch.h"

#include <new>
#include <stdexcept>

#include <csignal>
#include <sys/mman.h>

namespace mkclean
{

namespace
{

write_watch* the_watch = nullptr;
struct sigaction before_us;
alignas(16) std::array<std::byte, std::size_t{64} << 10> handler_stack;

// What is not the watch's goes to whoever would have had it: the access is made again.
extern "C" void on_segmentation_fault(int, siginfo_t* info, void*)
{
    if (the_watch == nullptr || !the_watch->on_write(info->si_addr))
        ::sigaction(SIGSEGV, &before_us, nullptr);
}

} // namespace

write_watch::write_watch(std::byte* memory, std::size_t pages) : m_memory(memory), m_pages(pages)
{
    if (pages > most_pages || the_watch != nullptr)
        throw std::logic_error("write_watch: one at a time, and not of so many pages");
    the_watch = this;
    for (std::size_t p = 0; p < pages; ++p)
        m_written[p / 64] |= std::uint64_t{1} << p % 64;
}

write_watch::~write_watch()
{
    if (m_begun) {
        ::mprotect(m_memory, m_pages * page_bytes, PROT_READ | PROT_WRITE);
        ::sigaction(SIGSEGV, &before_us, nullptr);
    }
    the_watch = nullptr;
}

// What cannot be written may be the stack that writes.
void write_watch::handle_faults()
{
    stack_t present = {};
    ::sigaltstack(nullptr, &present);
    if ((present.ss_flags & SS_DISABLE) != 0) { // or else a sanitizer's, which keeps books of it
        stack_t ours = {};
        ours.ss_sp = handler_stack.data();
        ours.ss_size = handler_stack.size();
        ::sigaltstack(&ours, nullptr);
    }
    struct sigaction action = {};
    action.sa_sigaction = on_segmentation_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, &action, &before_us);
}

void write_watch::begin()
{
    if (!m_begun)
        handle_faults();
    m_begun = true;
    m_written = {};
    if (::mprotect(m_memory, m_pages * page_bytes, PROT_READ) != 0)
        throw std::bad_alloc();
}

bool write_watch::on_write(const void* at)
{
    const auto* const byte = static_cast<const std::byte*>(at);
    if (!m_begun || byte < m_memory || byte >= m_memory + m_pages * page_bytes)
        return false;
    const auto page = static_cast<std::size_t>(byte - m_memory) / page_bytes;
    if ((m_written[page / 64] >> page % 64 & 1) != 0)
        return false; // it can be written: this is something else
    m_written[page / 64] |= std::uint64_t{1} << page % 64;
    return ::mprotect(m_memory + page * page_bytes, page_bytes, PROT_READ | PROT_WRITE) == 0;
}

} // namespace mkclean
