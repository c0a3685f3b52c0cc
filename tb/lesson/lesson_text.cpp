#include "tb/lesson/lesson_text.h"
#include "tb/output/wrapping.h"

#include <algorithm>
#include <sstream>

namespace mkclean
{

lesson_text::lesson_text(std::string_view text, const origin& where,
                         const std::vector<std::string>& variables)
{
    while (!text.empty()) {
        const std::size_t open = std::min(text.find('{'), text.size());
        piece& next = m_pieces.emplace_back();
        next.words = text.substr(0, open);
        text.remove_prefix(open);
        if (text.empty())
            return;
        const std::size_t close = text.find('}');
        if (close == std::string_view::npos)
            throw input_error(where, "expected '}' behind " + in_quotes(text));
        next.value.emplace(text.substr(1, close - 1), where, variables);
        text.remove_prefix(close + 1);
    }
}

bool lesson_text::needs_run() const
{
    return std::any_of(m_pieces.begin(), m_pieces.end(),
                       [](const piece& p) { return p.value && p.value->needs_run(); });
}

std::string lesson_text::told(const lesson_evidence& of) const
{
    std::string all;
    for (const piece& p : m_pieces)
        all += p.words + (p.value ? text_of(p.value->value(of)) : "");
    return all;
}

static std::string wrapped_paragraph(const std::string& text, const std::string& margin)
{
    constexpr std::size_t columns = 92;
    return wrapped(text, margin, columns);
}

std::string wrapped_text(const std::string& text, const std::string& margin)
{
    std::string all;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", begin), text.size());
        all +=
            (all.empty() ? "" : "\n") + wrapped_paragraph(text.substr(begin, end - begin), margin);
        begin = end + 2;
    }
    return all;
}

} // namespace mkclean
