#pragma once

#include "tb/oracle/shadow_page.h"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mkclean
{

/// The shadows of one file's pages, which never move. Finding one is O(1); going through all n of
/// them is in the order of the file and O(n log n).
class shadow_pages
{
public:
    shadow_page* find(page_index page) const
    {
        const auto piece = m_pieces.find(page.raw() / pages_per_piece);
        return piece == m_pieces.end() ? nullptr
                                       : (*piece->second)[page.raw() % pages_per_piece].get();
    }
    shadow_page& find_or_create(page_index page)
    {
        std::unique_ptr<piece_of_file>& piece = m_pieces[page.raw() / pages_per_piece];
        if (piece == nullptr)
            piece = std::make_unique<piece_of_file>();
        std::unique_ptr<shadow_page>& shadow = (*piece)[page.raw() % pages_per_piece];
        if (shadow == nullptr)
            shadow = std::make_unique<shadow_page>();
        return *shadow;
    }
    /// Calls `visit(page, shadow)` for each.
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        std::vector<std::uint64_t> numbers;
        for (const auto& [number, piece] : m_pieces)
            numbers.push_back(number);
        std::sort(numbers.begin(), numbers.end());
        for (const std::uint64_t number : numbers) {
            const piece_of_file& piece = *m_pieces.at(number);
            for (std::size_t i = 0; i < pages_per_piece; ++i)
                if (piece[i] != nullptr)
                    visit(page_index(number * pages_per_piece + i), *piece[i]);
        }
    }

private:
    static constexpr std::size_t pages_per_piece = 512;
    using piece_of_file = std::array<std::unique_ptr<shadow_page>, pages_per_piece>;

    std::unordered_map<std::uint64_t, std::unique_ptr<piece_of_file>> m_pieces;
};

} // namespace mkclean
