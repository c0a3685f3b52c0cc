#include "tb/explore/image.h"

#include <algorithm>
#include <cstring>

namespace mkclean
{

image::image(arena& a, block_store& store)
    : m_arena(a),
      m_store(store),
      m_copy(new std::byte[arena::bytes]())
{
}

image::node image::children(id of) const
{
    node n;
    std::memcpy(n.data(), m_store[of], sizeof n);
    return n;
}

void image::take_page(std::size_t page)
{
    const std::byte* const now = m_arena.begin();
    const std::size_t begin = page * arena::page_bytes;
    if (std::memcmp(now + begin, m_copy.get() + begin, arena::page_bytes) == 0)
        return;
    node n = children(m_pages[page]);
    for (std::size_t i = 0; i < leaves; ++i) {
        const std::size_t at = begin + i * block_store::block_bytes;
        if (std::memcmp(now + at, m_copy.get() + at, block_store::block_bytes) == 0)
            continue;
        n[i] = m_store.intern(now + at);
        m_changed.push_back(at);
    }
    m_new_pages.emplace_back(page, m_store.intern(n.data()));
}

image::id image::take()
{
    m_changed.clear();
    m_new_pages.clear();
    m_arena.watch().for_each_written([this](std::size_t page) { take_page(page); });
    node root = m_folders;
    for (auto at = m_new_pages.begin(); at != m_new_pages.end();) {
        const std::size_t folder = at->first / fanout;
        node n = children(m_folders[folder]);
        for (; at != m_new_pages.end() && at->first / fanout == folder; ++at)
            n[at->first % fanout] = at->second;
        root[folder] = m_store.intern(n.data());
    }
    return m_store.intern(root.data());
}

void image::back()
{
    for (const std::size_t at : m_changed)
        std::memcpy(m_arena.begin() + at, m_copy.get() + at, block_store::block_bytes);
    m_changed.clear();
}

void image::load_page(std::size_t page, id to)
{
    const node before = children(m_pages[page]);
    const node after = children(to);
    for (std::size_t i = 0; i < leaves; ++i) {
        if (before[i] == after[i])
            continue;
        const std::size_t at = page * arena::page_bytes + i * block_store::block_bytes;
        std::memcpy(m_copy.get() + at, m_store[after[i]], block_store::block_bytes);
        std::memcpy(m_arena.begin() + at, m_store[after[i]], block_store::block_bytes);
    }
    m_pages[page] = to;
}

void image::load(id root)
{
    back();
    if (root == m_root)
        return;
    const node to = children(root);
    for (std::size_t folder = 0; folder < folders; ++folder) {
        if (m_folders[folder] == to[folder])
            continue;
        const node pages = children(to[folder]);
        for (std::size_t i = 0; i < fanout; ++i)
            if (m_pages[folder * fanout + i] != pages[i])
                load_page(folder * fanout + i, pages[i]);
    }
    m_folders = to;
    m_root = root;
}

} // namespace mkclean
