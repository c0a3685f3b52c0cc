#include "cache/page_tree.h"

#include <cassert>

namespace mkclean
{

namespace
{

constexpr unsigned bits = 6;
constexpr std::uint64_t slots = 1u << bits;

unsigned slot_at(std::uint64_t index, unsigned level)
{
    return static_cast<unsigned>((index >> (bits * level)) & (slots - 1));
}

} // namespace

struct page_tree::node {
    std::array<std::unique_ptr<node>, slots> children; // above the leaves
    std::array<page*, slots> pages{};                  // in a leaf
    std::uint64_t present = 0;
    std::array<std::uint64_t, page_tags> tags{};

    std::uint64_t occupied(const page_tag* tag) const
    {
        return tag == nullptr ? present : tags[static_cast<unsigned>(*tag)];
    }
};

page_tree::page_tree() : m_root(std::make_unique<node>()) {}
page_tree::~page_tree() = default;

bool page_tree::holds(page_index index) const
{
    return m_levels * bits >= 64 || index.raw() >> (m_levels * bits) == 0;
}

page_tree::node* page_tree::leaf_of(page_index index) const
{
    if (!holds(index))
        return nullptr;
    node* n = m_root.get();
    for (unsigned level = m_levels - 1; level > 0 && n != nullptr; --level)
        n = n->children[slot_at(index.raw(), level)].get();
    return n;
}

page* page_tree::lookup(page_index index) const
{
    const node* const leaf = leaf_of(index);
    return leaf == nullptr ? nullptr : leaf->pages[slot_at(index.raw(), 0)];
}

void page_tree::insert(page_index index, page& pg)
{
    while (!holds(index)) {
        auto taller = std::make_unique<node>();
        taller->present = m_root->present != 0 ? 1 : 0;
        for (unsigned tag = 0; tag < page_tags; ++tag)
            taller->tags[tag] = m_root->tags[tag] != 0 ? 1 : 0;
        taller->children[0] = std::move(m_root);
        m_root = std::move(taller);
        ++m_levels;
    }
    node* n = m_root.get();
    for (unsigned level = m_levels - 1; level > 0; --level) {
        const unsigned slot = slot_at(index.raw(), level);
        n->present |= std::uint64_t{1} << slot;
        if (!n->children[slot])
            n->children[slot] = std::make_unique<node>();
        n = n->children[slot].get();
    }
    const unsigned slot = slot_at(index.raw(), 0);
    assert(n->pages[slot] == nullptr);
    n->pages[slot] = &pg;
    n->present |= std::uint64_t{1} << slot;
    ++m_size;
}

void page_tree::replace(page_index index, page& pg)
{
    node* const leaf = leaf_of(index);
    assert(leaf != nullptr && leaf->pages[slot_at(index.raw(), 0)] != nullptr);
    leaf->pages[slot_at(index.raw(), 0)] = &pg;
}

void page_tree::erase(page_index index)
{
    for (unsigned tag = 0; tag < page_tags; ++tag)
        clear_tag(index, static_cast<page_tag>(tag));
    std::array<node*, 64 / bits + 1> path{};
    node* n = m_root.get();
    for (unsigned level = m_levels - 1; level > 0; --level) {
        path[level] = n;
        n = n->children[slot_at(index.raw(), level)].get();
    }
    path[0] = n;
    assert(n->pages[slot_at(index.raw(), 0)] != nullptr);
    n->pages[slot_at(index.raw(), 0)] = nullptr;
    --m_size;
    for (unsigned level = 0; level < m_levels; ++level) {
        const unsigned slot = slot_at(index.raw(), level);
        path[level]->present &= ~(std::uint64_t{1} << slot);
        if (level > 0)
            path[level]->children[slot].reset();
        if (path[level]->present != 0)
            break;
    }
}

bool page_tree::tagged(page_index index, page_tag tag) const
{
    const node* const leaf = leaf_of(index);
    return leaf != nullptr &&
           (leaf->tags[static_cast<unsigned>(tag)] >> slot_at(index.raw(), 0) & 1) != 0;
}

bool page_tree::set_tag(page_index index, page_tag tag)
{
    assert(lookup(index) != nullptr);
    const bool was = tagged(index, tag);
    node* n = m_root.get();
    for (unsigned level = m_levels; level-- > 0;) {
        const unsigned slot = slot_at(index.raw(), level);
        n->tags[static_cast<unsigned>(tag)] |= std::uint64_t{1} << slot;
        if (level > 0)
            n = n->children[slot].get();
    }
    return !was;
}

bool page_tree::clear_tag(page_index index, page_tag tag)
{
    if (!tagged(index, tag))
        return false;
    std::array<node*, 64 / bits + 1> path{};
    node* n = m_root.get();
    for (unsigned level = m_levels; level-- > 0;) {
        path[level] = n;
        if (level > 0)
            n = n->children[slot_at(index.raw(), level)].get();
    }
    for (unsigned level = 0; level < m_levels; ++level) {
        std::uint64_t& word = path[level]->tags[static_cast<unsigned>(tag)];
        word &= ~(std::uint64_t{1} << slot_at(index.raw(), level));
        if (word != 0)
            break;
    }
    return true;
}

bool page_tree::any_tagged(page_tag tag) const
{
    return m_root->tags[static_cast<unsigned>(tag)] != 0;
}

page* page_tree::find_from(const node& n, unsigned level, std::uint64_t from,
                           const page_tag* tag) const
{
    unsigned slot = slot_at(from, level);
    std::uint64_t candidates = n.occupied(tag) & (~std::uint64_t{0} << slot);
    while (candidates != 0) {
        const auto found = static_cast<unsigned>(__builtin_ctzll(candidates));
        if (level == 0)
            return n.pages[found];
        // Only the subtree that `from` itself lies in is searched from its middle.
        const std::uint64_t start = found == slot ? from : 0;
        if (page* const pg = find_from(*n.children[found], level - 1, start, tag))
            return pg;
        candidates &= candidates - 1;
    }
    return nullptr;
}

page* page_tree::next(page_index from) const
{
    return holds(from) ? find_from(*m_root, m_levels - 1, from.raw(), nullptr) : nullptr;
}

page* page_tree::next_tagged(page_index from, page_tag tag) const
{
    return holds(from) ? find_from(*m_root, m_levels - 1, from.raw(), &tag) : nullptr;
}

} // namespace mkclean
