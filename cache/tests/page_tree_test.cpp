#include "cache/page.h"
#include "cache/page_tree.h"

#include <doctest/doctest.h>

#include <bitset>
#include <deque>
#include <map>
#include <random>

using namespace mkclean;

namespace
{

constexpr std::array<page_tag, page_tags> all_tags{page_tag::dirty, page_tag::writeback,
                                                   page_tag::towrite};

/// What a page_tree is: a map whose entries have tags.
struct tree_model {
    struct entry {
        page* pg = nullptr;
        std::bitset<page_tags> tags;
    };
    std::map<std::uint64_t, entry> entries;

    page* next(std::uint64_t from) const
    {
        const auto found = entries.lower_bound(from);
        return found == entries.end() ? nullptr : found->second.pg;
    }
    page* next_tagged(std::uint64_t from, page_tag tag) const
    {
        for (auto at = entries.lower_bound(from); at != entries.end(); ++at) {
            if (at->second.tags[static_cast<unsigned>(tag)])
                return at->second.pg;
        }
        return nullptr;
    }
    bool any_tagged(page_tag tag) const { return next_tagged(0, tag) != nullptr; }
};

/// A tree and its model, driven by a seed.
class tree_pair
{
public:
    explicit tree_pair(std::uint64_t seed) : m_random(seed), m_bits(1 + m_random() % 64) {}

    void change()
    {
        const std::uint64_t index = pick();
        const auto known = m_model.entries.find(index);
        const page_tag tag = all_tags.at(m_random() % page_tags);
        switch (m_random() % 5) {
        case 0:
        case 1:
            if (known == m_model.entries.end()) {
                m_pages.emplace_back();
                m_tree.insert(page_index(index), m_pages.back());
                m_model.entries[index].pg = &m_pages.back();
            }
            break;
        case 2:
            if (known != m_model.entries.end()) {
                m_tree.erase(page_index(index));
                m_model.entries.erase(known);
            }
            break;
        case 3:
            if (known != m_model.entries.end()) {
                auto bit = known->second.tags[static_cast<unsigned>(tag)];
                CHECK(m_tree.set_tag(page_index(index), tag) == !bit);
                bit = true;
            }
            break;
        default:
            if (known == m_model.entries.end()) {
                CHECK_FALSE(m_tree.clear_tag(page_index(index), tag));
            } else {
                auto bit = known->second.tags[static_cast<unsigned>(tag)];
                CHECK(m_tree.clear_tag(page_index(index), tag) == bit);
                bit = false;
            }
        }
    }

    bool agree_at(std::uint64_t index)
    {
        const auto known = m_model.entries.find(index);
        const bool there = known != m_model.entries.end();
        bool same = m_tree.lookup(page_index(index)) == (there ? known->second.pg : nullptr) &&
                    m_tree.next(page_index(index)) == m_model.next(index) &&
                    m_tree.size() == m_model.entries.size();
        for (const page_tag tag : all_tags) {
            const bool tagged = there && known->second.tags[static_cast<unsigned>(tag)];
            same = same && m_tree.tagged(page_index(index), tag) == tagged &&
                   m_tree.next_tagged(page_index(index), tag) == m_model.next_tagged(index, tag) &&
                   m_tree.any_tagged(tag) == m_model.any_tagged(tag);
        }
        return same;
    }
    bool agree_around_a_pick()
    {
        const std::uint64_t index = pick();
        return agree_at(index) && agree_at(index + 1) && agree_at(index - 1);
    }
    bool agree_everywhere()
    {
        bool same = agree_at(0) && agree_at(~std::uint64_t{0});
        for (const auto& [index, entry] : m_model.entries)
            same = same && agree_at(index) && agree_at(index + 1);
        return same;
    }

private:
    // Near a power of two or near another one, of at most m_bits bits: where nodes begin and end.
    std::uint64_t pick()
    {
        const std::uint64_t mask = ~std::uint64_t{0} >> (64 - m_bits);
        switch (m_random() % 3) {
        case 0:
            return ((std::uint64_t{1} << m_random() % m_bits) + m_random() % 3 - 1) & mask;
        case 1: {
            const auto near = m_model.entries.lower_bound(m_random() & mask);
            if (near != m_model.entries.end())
                return (near->first + m_random() % 3 - 1) & mask;
            return m_random() & mask;
        }
        default:
            return m_random() & mask & (m_random() % 2 == 0 ? mask : 255);
        }
    }

    std::mt19937_64 m_random;
    unsigned m_bits;
    page_tree m_tree;
    tree_model m_model;
    std::deque<page> m_pages;
};

} // namespace

TEST_CASE("a page tree answers like a map with tags, whatever was done to it")
{
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        CAPTURE(seed);
        tree_pair both(seed);
        bool same = true;
        for (int i = 0; i < 150 && same; ++i) {
            both.change();
            same = both.agree_around_a_pick();
        }
        REQUIRE(same);
        REQUIRE(both.agree_everywhere());
    }
}

TEST_CASE("a page that is put where a tagged one was erased has no tags")
{
    for (const std::uint64_t index : {0ULL, 63ULL, 64ULL, 4096ULL, ~0ULL}) {
        CAPTURE(index);
        page_tree tree;
        page old_page;
        page new_page;
        tree.insert(page_index(index), old_page);
        for (const page_tag tag : all_tags)
            CHECK(tree.set_tag(page_index(index), tag));
        tree.erase(page_index(index));
        for (const page_tag tag : all_tags)
            CHECK_FALSE(tree.any_tagged(tag));
        tree.insert(page_index(index), new_page);
        for (const page_tag tag : all_tags) {
            CHECK_FALSE(tree.tagged(page_index(index), tag));
            CHECK(tree.next_tagged(page_index(0), tag) == nullptr);
        }
        CHECK(tree.lookup(page_index(index)) == &new_page);
    }
}

TEST_CASE("the last page of the widest tree is found from the first index on")
{
    page_tree tree;
    page near;
    page far;
    tree.insert(page_index(0), near);
    tree.insert(page_index::max(), far);
    tree.set_tag(page_index::max(), page_tag::dirty);
    CHECK(tree.next(page_index(1)) == &far);
    CHECK(tree.next_tagged(page_index(0), page_tag::dirty) == &far);
    tree.erase(page_index::max());
    CHECK(tree.next(page_index(1)) == nullptr);
    CHECK(tree.lookup(page_index(0)) == &near);
}
