#pragma once

#include <string_view>
#include <vector>

namespace mkclean
{

/// What a step or a function of the log means, for people.
struct glossary_entry {
    std::string_view name;     ///< as the log has it
    std::string_view function; ///< whose code it is: a kernel function, or the hardware's part
    std::string_view source;   ///< where to read of it: file and version of Linux, or a manual
    std::string_view words;    ///< one sentence
};

/// Every step that there is, in the order of a store's way to the disk.
const std::vector<glossary_entry>& glossary_of_steps();
/// The same of functions that have a beginning and an end.
const std::vector<glossary_entry>& glossary_of_spans();

/// Whether the step puts bytes into its page: then what the log says of it are the first and the
/// last.
bool puts_bytes_into_memory(std::string_view step);

/// Null: there is none, which a test would find.
const glossary_entry* explain_step(std::string_view name);
const glossary_entry* explain_span(std::string_view name);

} // namespace mkclean
