#pragma once

#include "sim/event_log.h"
#include "vm/kernel.h"

#include <array>
#include <optional>
#include <string>
#include <unordered_map>

namespace mkclean
{

/// What the kernel's own comments promise about the six places, checked after every step that
/// changes one of them:
///
///  I1 nr_dirty counts the pages with PG_dirty (checked when all is quiet)
///  I2 PG_dirty: the page's TAG_DIRTY is set
///  I3 no PG_writeback: no TAG_WRITEBACK
///  I4 a page that leaves the cache is not dirty
///  I5 a writable or dirty PTE of a mapping whose stores are tracked by write-protecting: PG_dirty
///  I6 a dirty buffer: PG_dirty
///  I7 PG_writeback, where vm.stable_pages promises it to the device: no PTE lets anybody store
///
/// "Nobody is in the middle of it" is part of each: an actor that has begun to make a page dirty
/// opens a window, and closes it when the tag is set. Golden promises I5 without any window.
class invariant_checker final : public event_sink
{
public:
    static constexpr std::size_t count = 7;

    explicit invariant_checker(kernel& k) : m_kernel(k) {}

    void on_event(const event& e) override;
    bool follows_stores() const override { return false; }
    /// I1, when all threads have ended.
    void check_quiet();

    /// How often each was found broken; [0] is I1.
    const std::array<std::uint64_t, count>& broken() const { return m_broken; }
    bool all_hold() const;
    /// What was found so far; not who is in the middle of what.
    void forget()
    {
        m_broken = {};
        m_first.reset();
    }
    struct violation {
        std::size_t invariant = 0; ///< 1 is I1
        event at;
    };
    const std::optional<violation>& first() const { return m_first; }
    /// |nr_dirty - pages with PG_dirty|, now.
    std::uint64_t accounting_skew() const;

private:
    void follow_window(const event& e, const page& pg);
    void close(actor_id who, const page& pg, bool at_unlock);
    bool dirtying(const page& pg) const;
    void check(const event& e, const page& pg);
    void found_broken(std::size_t invariant, const event& e);
    bool strict() const { return m_kernel.policies.write_fault == write_fault_policy::golden; }

    kernel& m_kernel;
    struct window {
        const page* on = nullptr;
        bool by_pte = false; // opened by a fault, which may unlock the page before it dirties it
    };
    std::unordered_map<actor_id, window> m_windows;
    std::array<std::uint64_t, count> m_broken{};
    std::optional<violation> m_first;
};

} // namespace mkclean
