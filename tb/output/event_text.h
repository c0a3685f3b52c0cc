#pragma once

#include "tb/world.h"

#include <string>

namespace mkclean
{

/// The names of event_text's columns, with the line's end.
std::string event_text_header();

/// One event as a line of the log, without the line end:
///
///     61204417  core1  flusher   page_mkclean        ino 12 page 5155   PTE PWD -> P--
///
/// time in cycles of the cores' clock, where, who, which step, done to what, and what it changed.
std::string event_text(const event& e, const event_log& names, kernel& k, picoseconds period);

/// Where a function begins or ends, as such a line: "do_fsync begins", "do_fsync ends".
std::string span_text(const span_mark& mark, const event_log& names, kernel& k, picoseconds period);

/// What it was done to: "ino 12 page 5155", or nothing.
std::string subject_text(const event& e, kernel& k);
/// What it changed: "PTE PWD -> P--", or nothing.
std::string change_text(const event& e);

/// The page that the event is about, by file and index; false if it is about none.
bool page_of_event(const event& e, kernel& k, inode_number& ino, page_index& page);

} // namespace mkclean
