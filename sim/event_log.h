#pragma once

#include "sim/number.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mkclean
{

/// Where the fact that a step changes lives. The first six are the places of dirtiness.
/// `memory`: the bytes of a page, changed by the kernel of its own accord.
/// `key`: the storage key of a frame, which stands in for the D and A of PTEs.
enum class place : std::uint8_t { tlb, pte, page, buffer, tag, inode, disk, memory, key, none };

/// One place in the code where an atomic step is taken: defined once, beside that code.
struct step_site {
    const char* name; ///< the kernel's name for it, as the log prints it
    place touches;
    /// What it did, for people: "PWD->P--". Null: "before->after" as numbers.
    std::string (*show)(std::uint64_t before, std::uint64_t after) = nullptr;
};

/// What a step was done to.
struct subject {
    static constexpr std::uint64_t no_block = ~std::uint64_t{0};

    inode_number ino;
    page_index page;
    std::uint64_t block = no_block; ///< of the page, where the step is about one buffer
    /// Hardware knows frames, not files: it names the frame, and readers look up whose it is.
    frame_number frame;
    virtual_address va;

    bool is_page() const { return ino != inode_number(); }
};

using actor_id = std::uint16_t;

/// One atomic step that was taken.
struct event {
    picoseconds time;
    actor_id actor = 0;
    const step_site* site = nullptr;
    subject what;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
};

/// A kernel function that takes time, as outputs show it; defined once, beside its code.
struct span_site {
    const char* name; ///< the kernel's
};

/// An actor has entered such a function, or leaves it.
struct span_mark {
    picoseconds time; ///< the actor's own, which may be ahead of the world's
    actor_id actor = 0;
    const span_site* site = nullptr;
    subject what; ///< a file without a page: page 0 and no frame
    bool begins = true;
    int result = 0; ///< of one that ends: 0 or a negative errno, where it returns one
};

class event_sink
{
public:
    virtual ~event_sink() = default;
    virtual void on_event(const event& e) = 0;
    /// Called only if follows_spans(), and for ends only until the run ends: some stay open.
    virtual void on_span(const span_mark& mark) { static_cast<void>(mark); }
    virtual bool follows_spans() const { return false; } ///< asked once, when it is attached
    /// Whether it has any use for the stores of user code, which are most of all events and cannot
    /// run ahead while somebody follows them one by one. Asked once, when it is attached.
    virtual bool follows_stores() const { return true; }
};

/// The one stream of events of a world. Every output is a function of it; without sinks it costs a
/// test of one word a step.
class event_log
{
public:
    struct actor_name {
        std::string where; ///< "core1", "disk"
        std::string who;   ///< "rtorrent", "kjournald"
    };

    actor_id add_actor(std::string where, std::string who)
    {
        m_actors.push_back({std::move(where), std::move(who)});
        return static_cast<actor_id>(m_actors.size() - 1);
    }
    std::size_t actors() const { return m_actors.size(); }
    const actor_name& name_of(actor_id id) const { return m_actors.at(id); }

    void attach(event_sink& sink)
    {
        m_sinks.push_back(&sink);
        m_follows_stores = m_follows_stores || sink.follows_stores();
        m_follows_spans = m_follows_spans || sink.follows_spans();
    }
    bool listening() const { return !m_sinks.empty(); }
    bool follows_stores() const { return m_follows_stores; }
    bool follows_spans() const { return m_follows_spans; }
    /// The run is over: actors that are still in the middle of something are taken down, which is
    /// nothing that happens.
    void end_of_spans() { m_follows_spans = false; }
    /// Whether actors sweep_dead_stack() behind each step.
    bool sweeps_stacks() const { return m_sweeps_stacks; }
    void set_sweeps_stacks() { m_sweeps_stacks = true; }
    void emit(const event& e)
    {
        for (event_sink* sink : m_sinks)
            sink->on_event(e);
    }
    void emit(const span_mark& mark)
    {
        for (event_sink* sink : m_sinks)
            if (sink->follows_spans())
                sink->on_span(mark);
    }

private:
    std::vector<actor_name> m_actors;
    std::vector<event_sink*> m_sinks;
    bool m_follows_stores = false;
    bool m_follows_spans = false;
    bool m_sweeps_stacks = false;
};

} // namespace mkclean
