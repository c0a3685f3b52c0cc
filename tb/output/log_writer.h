#pragma once

#include "tb/command_line.h"
#include "tb/output/event_text.h"

#include <deque>

namespace mkclean
{

/// --log: every event as it happens, and where functions begin and end, a line each, in the order
/// of time.
class log_writer final : public event_sink
{
public:
    log_writer(output_file& file, const world& w) : m_file(file), m_world(w) {}
    void on_event(const event& e) override;
    void on_span(const span_mark& mark) override;
    bool follows_spans() const override { return true; }
    /// What was told ahead of its time and has not been written yet.
    void finish() { write_until(picoseconds(~std::uint64_t{0})); }

private:
    struct early_line {
        picoseconds time;
        std::string text;
    };
    void write_until(picoseconds now);

    output_file& m_file;
    const world& m_world;
    std::deque<early_line> m_early; ///< in the order of time
};

/// --biography: keeps the events of every page, to tell the story of one when it is known which.
class biographer final : public event_sink
{
public:
    explicit biographer(const world& w) : m_world(w) {}
    void on_event(const event& e) override;

    /// The events of the page that a finding is about, oldest first, a line each; the store that
    /// was lost and the step that forgot it are pointed out.
    std::string story_of(const finding& f) const;

private:
    struct entry {
        inode_number ino;
        page_index page;
        event what;
    };
    void keep(const event& e, inode_number ino, page_index page);
    const entry* lost_store(const finding& f) const;

    const world& m_world;
    std::deque<entry> m_entries;
};

} // namespace mkclean
