#pragma once

#include "cache/page.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

namespace mkclean
{

/// mem_map: a struct page for every frame of memory, made for 2 MiB of frames at once when the
/// first of them is asked for, so that memory which nobody uses costs the host next to nothing.
/// A page never moves. O(1).
class mem_map
{
public:
    explicit mem_map(std::uint64_t frames)
        : m_frames(frames),
          m_pieces((frames + frames_per_piece - 1) / frames_per_piece)
    {
    }

    std::uint64_t frames() const { return m_frames; }
    page& page_of(frame_number frame)
    {
        if (frame.raw() >= m_frames)
            throw std::out_of_range("no such frame");
        std::unique_ptr<piece>& of = m_pieces[frame.raw() / frames_per_piece];
        if (of == nullptr)
            of = make_piece(frame.raw() / frames_per_piece * frames_per_piece);
        return (*of)[frame.raw() % frames_per_piece];
    }

private:
    static constexpr std::uint64_t frames_per_piece = 512;
    using piece = std::array<page, frames_per_piece>;

    static std::unique_ptr<piece> make_piece(std::uint64_t first)
    {
        auto made = std::make_unique<piece>();
        for (page& pg : *made)
            pg.frame = frame_number(first++);
        return made;
    }

    std::uint64_t m_frames;
    std::vector<std::unique_ptr<piece>> m_pieces;
};

} // namespace mkclean
