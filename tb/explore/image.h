#pragma once

#include "tb/explore/arena.h"
#include "tb/explore/block_store.h"

#include <array>
#include <memory>
#include <vector>

namespace mkclean
{

/// The bytes of an arena as a tree of blocks of which each is kept once: what two states have in
/// common takes memory once, and two states are equal if their roots are.
///
/// One state is *loaded*: the arena had its bytes when it was. load() and back() cost what differs;
/// take() costs a comparison of all pages that have ever changed since the first was loaded.
class image
{
public:
    using id = block_store::id;

    image(arena& a, block_store& store);

    /// The root of what the arena holds now.
    id take();
    /// Undoes all changes that take() has found since.
    void back();
    /// back(), and then on to another state.
    void load(id root);
    id loaded() const { return m_root; }
    bool store_nearly_full(std::size_t beside) const { return m_store.nearly_full(beside); }

private:
    static constexpr std::size_t fanout = block_store::block_bytes / sizeof(id);
    static constexpr std::size_t leaves = arena::page_bytes / block_store::block_bytes;
    static constexpr std::size_t folders = arena::pages / fanout;
    using node = std::array<id, fanout>;
    static_assert(leaves == fanout && folders <= fanout);

    void take_page(std::size_t page);
    node children(id of) const;
    void load_page(std::size_t page, id to);

    arena& m_arena;
    block_store& m_store;
    std::unique_ptr<std::byte[]> m_copy; ///< of what is loaded
    std::array<id, arena::pages> m_pages{};
    node m_folders{};
    id m_root = 0;
    std::vector<std::size_t> m_changed;                  ///< leaves, by number
    std::vector<std::pair<std::size_t, id>> m_new_pages; ///< ascending
};

} // namespace mkclean
