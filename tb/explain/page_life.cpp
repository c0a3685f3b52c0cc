#include "tb/explain/page_life.h"
#include "sim/input_error.h"
#include "tb/output/glossary.h"

#include <string_view>

namespace mkclean
{

namespace
{

// "PTE PWD -> P--": the place, and what it is now.
struct change {
    std::string_view place;
    std::string now;
};

change parse_change(std::string_view text)
{
    constexpr std::string_view arrow = " -> ";
    const std::size_t at = text.find(arrow);
    if (at == std::string_view::npos)
        return {};
    return {text.substr(0, text.find(' ')), std::string(text.substr(at + arrow.size()))};
}

// A flush of everything names no page.
bool empties_a_tlb(const log_line& line)
{
    return line.step == "invlpg" && !line.is_of_a_page && !line.is_of_an_address;
}

} // namespace

void known_state::apply(const log_line& line)
{
    if (line.what != log_line::kind::step)
        return;
    if (empties_a_tlb(line)) {
        tlb.erase(line.where);
        return;
    }
    if (line.step == "tlbi received")
        tlb.clear();
    if (puts_bytes_into_memory(line.step))
        ++stores;
    const change c = parse_change(line.change);
    if (c.place == "PTE" || c.place == "PMD")
        pte = c.now;
    else if (c.place == "TLB")
        tlb[line.where] = c.now;
    else if (c.place == "PG")
        flags = c.now;
    else if (c.place == "TAG")
        tags = c.now;
    else if (c.place == "BH" && line.block)
        buffers[*line.block] = c.now;
    if (line.step == "drop_buffers" || line.step == "remove_from_page_cache")
        buffers.clear();
}

page_life read_life(std::istream& log, const std::string& name, inode_number ino, page_index page)
{
    page_life life;
    known_state now;
    unsigned number = 0;
    for (std::string text; std::getline(log, text);) {
        ++number;
        if (text.rfind("interrupted:", 0) == 0)
            break;
        const std::optional<log_line> line = parse_log_line(text);
        if (!line)
            throw input_error({name, number}, "expected a line of what --log has written");
        const bool is_meant =
            line->is_of_a_page && !line->is_of_the_device && line->ino == ino && line->page == page;
        if (!is_meant && !empties_a_tlb(*line))
            continue;
        now.apply(*line);
        if (is_meant)
            life.steps.push_back({*line, now});
    }
    return life;
}

} // namespace mkclean
