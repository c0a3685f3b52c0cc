// The oracle's memory of one page against a model that keeps every store for ever.

#include "sim/tests/seeds.h"
#include "tb/oracle/shadow_page.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

using namespace mkclean;

namespace
{

struct plain_store {
    std::uint64_t id;
    actor_id by;
    std::uint32_t offset;
    std::vector<std::byte> bytes;
    bool covers(std::uint32_t at) const { return at >= offset && at < offset + bytes.size(); }
};

// What a page held before and after every store.
class every_version
{
public:
    void store(const plain_store& s)
    {
        m_stores.push_back(s);
        page_bytes next = m_versions.back();
        std::copy(s.bytes.begin(), s.bytes.end(), next.begin() + s.offset);
        m_versions.push_back(next);
    }
    const page_bytes& before(std::uint64_t id) const
    {
        std::size_t i = 0;
        while (i < m_stores.size() && m_stores[i].id < id)
            ++i;
        return m_versions[i];
    }
    const page_bytes& now() const { return m_versions.back(); }
    std::set<std::byte> values_since(std::uint64_t id, std::uint32_t at) const
    {
        std::set<std::byte> values{before(id)[at]};
        for (const plain_store& s : m_stores)
            if (s.id >= id && s.covers(at))
                values.insert(s.bytes[at - s.offset]);
        return values;
    }
    const plain_store* last(std::uint32_t at) const
    {
        for (auto s = m_stores.rbegin(); s != m_stores.rend(); ++s)
            if (s->covers(at))
                return &*s;
        return nullptr;
    }
    bool stored_before(std::uint64_t id, std::uint32_t at) const
    {
        return std::any_of(m_stores.begin(), m_stores.end(),
                           [&](const plain_store& s) { return s.id < id && s.covers(at); });
    }

private:
    std::vector<plain_store> m_stores;
    std::vector<page_bytes> m_versions{page_bytes{}};
};

// Stores, looks of devices and syncs in a corner of a page, of which both kinds of memory are told.
class random_history
{
public:
    explicit random_history(unsigned seed) : m_random(seed) {}

    void go_on()
    {
        const unsigned what = draw(16);
        if (what == 0)
            ++promises, marks.push_back(next_id);
        else if (what == 1)
            sample();
        else if (what == 2)
            write();
        else
            store();
    }

    shadow_page shadow;
    every_version model;
    std::uint64_t next_id = 1;
    std::uint64_t promises = 0;
    std::vector<std::uint64_t> marks{0}; // the ids that may be asked about
    /// What a device may have seen of the page since each mark.
    std::map<std::uint64_t, std::vector<page_bytes>> sampled;

private:
    unsigned draw(unsigned below) { return static_cast<unsigned>(m_random() % below); }

    plain_store random_store()
    {
        constexpr unsigned corner = 64;
        plain_store s{next_id++, static_cast<actor_id>(draw(3)), 0, {}};
        const bool words = draw(4) > 0;
        s.offset = words ? draw(corner / 8) * 8 : draw(corner);
        s.bytes.resize(words ? 8 : 1 + draw(24));
        for (std::byte& b : s.bytes)
            b = static_cast<std::byte>(draw(256));
        return s;
    }
    void sample()
    {
        shadow.sampled();
        for (const std::uint64_t mark : marks)
            sampled[mark].push_back(model.now());
    }
    void write()
    {
        const plain_store s = random_store();
        model.store(s);
        shadow.write(s.id, s.by, s.offset, s.bytes.data(), s.bytes.size(), promises);
        marks.push_back(s.id);
        marks.push_back(s.id + 1);
    }
    // Sometimes in parts, which must not make a difference.
    void store()
    {
        const plain_store s = random_store();
        model.store(s);
        const auto part = [&](std::size_t from, std::size_t to, store_part which) {
            shadow.store(s.id, s.by, s.offset + static_cast<std::uint32_t>(from),
                         s.bytes.data() + from, to - from, which, promises);
        };
        const std::size_t end = s.bytes.size();
        if (end < 3 || draw(2) == 0) {
            part(0, end, store_part::whole);
            return;
        }
        part(0, 1, store_part::begins);
        part(1, 2, store_part::continues);
        part(2, end, store_part::ends);
    }

    std::mt19937 m_random;
};

} // namespace

TEST_CASE("a shadow page remembers all that anybody may have seen")
{
    for (unsigned seed = 0; seed < seeds(200); ++seed) {
        CAPTURE(seed);
        random_history h(seed);
        for (unsigned i = 0; i < 120; ++i)
            h.go_on();
        REQUIRE(h.shadow.expected().all() == h.model.now());
        bool versions = true;
        bool values = true;
        bool lasts = true;
        for (const std::uint64_t id : h.marks) {
            versions = versions && h.shadow.version_before(id) == h.model.before(id);
            for (std::uint32_t at = 0; at < 96; ++at) {
                const std::set<std::byte> possible = h.model.values_since(id, at);
                for (unsigned v = 0; v < 256; ++v) // nothing that never was
                    values = values && (!h.shadow.had_value_since(id, at, std::byte(v)) ||
                                        possible.count(std::byte(v)) > 0);
                values = values && h.shadow.had_value_since(id, at, h.model.before(id)[at]);
                for (const page_bytes& seen : h.sampled[id])
                    values = values && h.shadow.had_value_since(id, at, seen[at]);
                values = values && h.shadow.stored_before(id, at) == h.model.stored_before(id, at);
            }
        }
        for (std::uint32_t at = 0; at < 96; ++at) {
            const plain_store* const expected = h.model.last(at);
            const store_record* const found = h.shadow.last_store(at);
            lasts = lasts && (expected == nullptr) == (found == nullptr);
            if (expected != nullptr && found != nullptr)
                lasts = lasts && found->id == expected->id && found->by == expected->by &&
                        found->offset == expected->offset &&
                        found->length == expected->bytes.size();
        }
        CHECK(versions);
        CHECK(values);
        CHECK(lasts);
    }
}

TEST_CASE("a word that is stored a million times costs the memory of one store")
{
    shadow_page shadow;
    for (std::uint64_t i = 1; i <= 1'000'000; ++i) {
        const std::uint64_t word = i % 512;
        shadow.store(i, 0, static_cast<std::uint32_t>(word * 8),
                     reinterpret_cast<const std::byte*>(&i), sizeof i, store_part::whole, 0);
    }
    CHECK(shadow.stores().size() == 512);
    CHECK(shadow.last_store(8)->id == 999'937);
}

TEST_CASE("however a store is cut, the same is remembered of it")
{
    const std::array<std::byte, 16> bytes{};
    const auto records = [&](bool cut) {
        shadow_page shadow;
        for (std::uint64_t id = 1; id <= 40; ++id) {
            const auto at = static_cast<std::uint32_t>(id % 20 * 16);
            if (!cut) {
                shadow.store(id, 0, at, bytes.data(), 16, store_part::whole, 0);
                continue;
            }
            shadow.store(id, 0, at, bytes.data(), 8, store_part::begins, 0);
            shadow.store(id + 1, 0, at + 8, bytes.data(), 8, store_part::ends, 0);
        }
        std::vector<std::uint64_t> ids;
        for (const store_record& r : shadow.stores())
            ids.push_back(r.id * 4096 + r.offset);
        return ids;
    };
    CHECK(records(true) == records(false));
    CHECK(records(true).size() == 20);
}

TEST_CASE("what was cut off was never stored, and what is stored there again was")
{
    shadow_page page;
    const std::array<std::byte, 8> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                         std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
    page.write(10, 0, 100, bytes.data(), bytes.size(), 0);
    page.all_durable();
    page.write(20, 0, 102, bytes.data(), bytes.size(), 0);
    page.forget_from(104);
    CHECK(page.stored_before(30, 103));
    CHECK_FALSE(page.stored_before(30, 104));
    CHECK_FALSE(page.stored_before(30, 109));
    CHECK(page.expected()[103] == std::byte{2});
    CHECK(page.expected()[104] == std::byte{});
    CHECK_FALSE(page.had_value_since(0, 104, std::byte{5}));
    page.write(40, 0, 106, bytes.data(), 1, 0);
    CHECK(page.stored_before(50, 106));
    CHECK_FALSE(page.stored_before(30, 106));
    page.forget_from(0);
    CHECK(page.last_store(102) == nullptr);
}
