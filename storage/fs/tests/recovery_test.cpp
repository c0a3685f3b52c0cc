// What a recovery makes of a journal, however the power cut has left it.

#include "storage/fs/mkfs.h"
#include "storage/fs/recovery.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

namespace
{

constexpr std::uint32_t block_size = 1024;
constexpr std::uint64_t journal_blocks = 16;

/// A filesystem whose journal is written by hand.
class journal_by_hand
{
public:
    journal_by_hand() : m_sb(mkfs(media, block_size, journal_blocks, {0, 0})) {}

    using blocks = std::vector<std::pair<std::uint64_t, unsigned>>; // number, filled with

    /// Descriptor and copies, as one descriptor; ends at m_at.
    void log(std::uint32_t sequence, const blocks& of)
    {
        std::vector<std::byte> descriptor(block_size);
        journal_header header;
        header.sequence = sequence;
        header.count = static_cast<std::uint32_t>(of.size());
        header.write(descriptor.data());
        for (std::size_t i = 0; i < of.size(); ++i)
            put_u64(descriptor.data() + journal_header::bytes + 8 * i, of[i].first);
        put(descriptor);
        for (const auto& [number, value] : of)
            put(std::vector<std::byte>(block_size, static_cast<std::byte>(value)));
    }
    void commit(std::uint32_t sequence)
    {
        std::vector<std::byte> record(block_size);
        journal_header header;
        header.type = journal_header::kind::commit;
        header.sequence = sequence;
        header.write(record.data());
        put(record);
    }
    void super(std::uint32_t sequence, std::uint32_t start)
    {
        std::vector<std::byte> bytes(block_size);
        journal_header header;
        header.type = journal_header::kind::superblock;
        header.sequence = sequence;
        header.count = start;
        header.write(bytes.data());
        write_block(media, m_sb.journal, bytes);
    }
    void go_on_at(std::uint64_t position) { m_at = position; }

    std::uint64_t replayed() const { return recovered_filesystem(media).replayed(); }
    /// What a block of data is filled with after the recovery; -1: with what was on the media.
    int found(std::uint64_t offset) const
    {
        const auto bytes = recovered_filesystem(media).block(data(offset));
        if (bytes == read_block(media, block_size, data(offset)))
            return -1;
        return std::to_integer<int>(bytes.front());
    }
    std::uint64_t data(std::uint64_t offset) const { return m_sb.first_data + offset; }
    const super_block_layout& layout() const { return m_sb; }

    disk_media media{3'000, leftover::pattern};

private:
    void put(const std::vector<std::byte>& bytes)
    {
        write_block(media, m_sb.journal + m_at, bytes);
        m_at = m_at + 1 == journal_blocks ? 1 : m_at + 1;
    }

    super_block_layout m_sb;
    std::uint64_t m_at = 1;
};

} // namespace

TEST_CASE("a transaction with its commit record is replayed, one without is not")
{
    journal_by_hand j;
    j.log(1, {{j.data(0), 11}, {j.data(5), 12}});
    CHECK(j.replayed() == 0);
    CHECK(j.found(0) == -1);
    j.commit(1);
    CHECK(j.replayed() == 1);
    CHECK(j.found(0) == 11);
    CHECK(j.found(5) == 12);
    CHECK(j.found(1) == -1);
    j.log(2, {{j.data(0), 21}});
    CHECK(j.found(0) == 11);
    j.commit(2);
    CHECK(j.replayed() == 2);
    CHECK(j.found(0) == 21);
    CHECK(j.found(5) == 12);
}

TEST_CASE("a transaction may have several descriptors")
{
    journal_by_hand j;
    j.log(1, {{j.data(0), 11}});
    j.log(1, {{j.data(1), 12}, {j.data(2), 13}});
    j.commit(1);
    CHECK(j.replayed() == 1);
    CHECK(j.found(0) == 11);
    CHECK(j.found(2) == 13);
}

TEST_CASE("what is left from an earlier lap is not taken for what comes next")
{
    journal_by_hand j;
    j.log(8, {{j.data(0), 80}});
    j.commit(8);
    j.log(4, {{j.data(1), 40}});
    j.commit(4);
    j.super(8, 1);
    CHECK(j.replayed() == 1);
    CHECK(j.found(0) == 80);
    CHECK(j.found(1) == -1);
    // Nor is a commit record of another transaction.
    j.go_on_at(4);
    j.log(9, {{j.data(2), 90}});
    j.commit(5);
    CHECK(j.replayed() == 1);
    CHECK(j.found(2) == -1);
}

TEST_CASE("the log goes on at the beginning of the ring, behind its superblock")
{
    for (std::uint64_t start = 10; start < journal_blocks; ++start) {
        CAPTURE(start);
        journal_by_hand j;
        j.super(3, static_cast<std::uint32_t>(start));
        j.go_on_at(start);
        j.log(3, {{j.data(0), 30}, {j.data(1), 31}, {j.data(2), 32}});
        j.commit(3);
        j.log(4, {{j.data(3), 40}});
        j.commit(4);
        CHECK(j.replayed() == 2);
        CHECK(j.found(2) == 32);
        CHECK(j.found(3) == 40);
    }
}

TEST_CASE("the log is read from where the superblock says")
{
    journal_by_hand j;
    j.log(1, {{j.data(0), 11}});
    j.commit(1);
    j.log(2, {{j.data(1), 21}});
    j.commit(2);
    j.super(2, 4);
    CHECK(j.replayed() == 1);
    CHECK(j.found(0) == -1);
    CHECK(j.found(1) == 21);
    j.super(3, 4);
    CHECK(j.replayed() == 0);
    j.super(2, 0);
    CHECK(j.replayed() == 0);
    j.super(2, journal_blocks);
    CHECK(j.replayed() == 0);
}

TEST_CASE("a descriptor that cannot be is the end of the log")
{
    journal_by_hand outside;
    outside.log(1, {{outside.layout().blocks, 11}});
    outside.commit(1);
    CHECK(outside.replayed() == 0);

    journal_by_hand many;
    std::vector<std::byte> bytes(block_size);
    journal_header header;
    header.sequence = 1;
    header.count = 1'000'000'000;
    header.write(bytes.data());
    write_block(many.media, many.layout().journal + 1, bytes);
    CHECK(many.replayed() == 0);
}

TEST_CASE("whatever is in the journal, a recovery ends, and touches nothing but its own memory")
{
    std::mt19937_64 random(1);
    std::uint64_t replayed = 0;
    for (int round = 0; round < 3000; ++round) {
        journal_by_hand j;
        std::uint32_t sequence = 1;
        for (int i = 0; i < 3; ++i) {
            j.log(sequence, {{j.data(random() % 50), 1}, {j.data(random() % 50), 2}});
            if (random() % 4 != 0)
                j.commit(sequence++);
        }
        // A few bytes of the journal's blocks are not what they should be.
        for (int i = 0; i < 4; ++i) {
            const std::uint64_t number = j.layout().journal + random() % journal_blocks;
            auto bytes = read_block(j.media, block_size, number);
            bytes[random() % (random() % 2 == 0 ? 40 : block_size)] =
                static_cast<std::byte>(random());
            write_block(j.media, number, bytes);
        }
        const std::vector<std::byte> before = read_block(j.media, block_size, j.data(7));
        const recovered_filesystem fs(j.media);
        CHECK(fs.valid());
        CHECK(fs.replayed() <= journal_blocks);
        CHECK(read_block(j.media, block_size, j.data(7)) == before);
        replayed += fs.replayed();
        std::array<std::byte, page_size> page;
        fs.read_page(1, 0, page.data());
    }
    CHECK(replayed > 1000);
}

TEST_CASE("what is no filesystem is not taken for one")
{
    const disk_media media(3'000, leftover::pattern);
    CHECK_FALSE(recovered_filesystem(media).valid());
    const disk_media empty(3'000, leftover::zeros);
    CHECK_FALSE(recovered_filesystem(empty).valid());
    std::array<std::byte, page_size> page{};
    recovered_filesystem(empty).read_page(1, 0, page.data());
    CHECK(page == std::array<std::byte, page_size>{});
}
