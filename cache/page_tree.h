#pragma once

#include "sim/number.h"

#include <array>
#include <memory>

namespace mkclean
{

struct page;

/// PAGECACHE_TAG_*: how syncs and flushers find their pages.
enum class page_tag : unsigned { dirty = 0, writeback = 1, towrite = 2 };
constexpr unsigned page_tags = 3;

/// The radix tree of a mapping: page index to page, with tags that are also kept in every node
/// above a tagged page, so that a search skips what holds none. 64 slots a node.
///
/// O(depth) for every operation; depth is log64 of the largest index in it.
class page_tree
{
public:
    page_tree();
    ~page_tree();
    page_tree(const page_tree&) = delete;
    page_tree& operator=(const page_tree&) = delete;

    std::uint64_t size() const { return m_size; }
    page* lookup(page_index index) const;
    /// The slot must be empty.
    void insert(page_index index, page& pg);
    /// The slot must be full; its tags stay.
    void replace(page_index index, page& pg);
    /// The slot must be full; its tags go with it.
    void erase(page_index index);

    bool tagged(page_index index, page_tag tag) const;
    /// False if it was tagged already. The slot must be full.
    bool set_tag(page_index index, page_tag tag);
    /// False if it was not tagged.
    bool clear_tag(page_index index, page_tag tag);
    bool any_tagged(page_tag tag) const;

    /// The first page at or after `from`, or null.
    page* next(page_index from) const;
    /// The first page at or after `from` that has the tag, or null.
    page* next_tagged(page_index from, page_tag tag) const;

private:
    struct node;
    node* leaf_of(page_index index) const;
    bool holds(page_index index) const;
    page* find_from(const node& n, unsigned level, std::uint64_t from, const page_tag* tag) const;

    std::unique_ptr<node> m_root;
    unsigned m_levels = 1;
    std::uint64_t m_size = 0;
};

} // namespace mkclean
