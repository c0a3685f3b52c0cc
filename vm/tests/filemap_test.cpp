// read(2), write(2), and mappings of the same pages.

#include "vm/tests/vm_world.h"

#include <doctest/doctest.h>

#include <random>

using namespace mkclean;

namespace
{

std::vector<std::byte> read(user_task& task, inode& file, std::uint64_t offset,
                            std::uint64_t length)
{
    std::vector<std::byte> bytes(length, std::byte{0xee});
    const std::int64_t got = task.pread(file, offset, bytes.data(), length);
    REQUIRE(got >= 0);
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
}

std::vector<std::byte> drop_and_read(user_task& task, inode& file)
{
    task.fsync(file);
    task.fadvise_dontneed(file);
    CHECK(file.mapping.pages.size() == 0);
    return read(task, file, 0, file.size);
}

// Everything that was ever mapped, cached or journalled.
void use_everything(vm_world& w, user_task& task)
{
    inode& file = w.open(task);
    const virtual_address shared = w.map(task, file, 20);
    const virtual_address own = w.map(task, file, 20, private_write);
    const virtual_address anonymous =
        task.mmap(nullptr, page_index(0), 20 * page_size, private_write);
    for (std::uint64_t i = 0; i < 20; ++i) {
        w.get(task, own + i * page_size);
        w.put(task, shared + i * page_size, 1);
        if (i % 2 == 0)
            w.put(task, own + i * page_size, 2);
        w.put(task, anonymous + i * page_size, 3);
        w.write(task, file, (20 + i) * page_size + 100, 4, 5000);
    }
    CHECK(task.msync(shared, 20 * page_size) == 0);
    w.put(task, shared, 5);
    for (const virtual_address va : {shared, own, anonymous})
        CHECK(task.munmap(va, 20 * page_size) == 0);
    task.fsync(file);
    task.sync();
    task.sleep(picoseconds(20 * s)); // a journal has time to let go of the buffers
    task.sync();
    task.fadvise_dontneed(file);
    CHECK(file.mapping.pages.size() == 0);
}

} // namespace

TEST_CASE("Reads and writes at random places and of random lengths agree with a plain array")
{
    for (const unsigned block_size : {1024u, 4096u}) {
        vm_world_options o;
        o.fs.block_size = block_size;
        o.files = {3000};
        vm_world w(o);
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            std::vector<std::byte> model(3000);
            std::mt19937_64 random(block_size);
            for (unsigned i = 1; i < 200; ++i) {
                const std::uint64_t offset = random() % 60'000;
                const std::uint64_t length = random() % 9000;
                CHECK(w.write(task, file, offset, i, length) == static_cast<std::int64_t>(length));
                if (length > 0 && model.size() < offset + length)
                    model.resize(offset + length);
                std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(offset), length,
                            static_cast<std::byte>(i));
                REQUIRE(file.size == model.size());
                if (i % 20 == 0)
                    CHECK(drop_and_read(task, file) == model);
            }
            CHECK(read(task, file, 0, 100'000) == model);
        });
    }
}

TEST_CASE("A read ends with the file, and finds nothing behind it")
{
    vm_world_options o;
    o.files = {5000};
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        CHECK(read(task, file, 4990, 100).size() == 10);
        CHECK(read(task, file, 5000, 100).empty());
        CHECK(read(task, file, 1 << 20, 1).empty());
        CHECK(read(task, file, 0, 0).empty());
        CHECK(w.write(task, file, 0, 1, 0) == 0);
        CHECK(file.size == 5000);
        CHECK(read(task, file, 0, 5000) == std::vector<std::byte>(5000));
    });
}

TEST_CASE("Writing a part of a page keeps the rest, whether it is in memory or on the disk")
{
    for (const bool in_memory : {true, false}) {
        vm_world w;
        w.play([&](user_task& task) {
            inode& file = w.open(task);
            w.write(task, file, 0, 1, 2 * page_size);
            task.fsync(file);
            if (!in_memory)
                task.fadvise_dontneed(file);
            w.write(task, file, page_size - 100, 2, 200);
            std::vector<std::byte> expected(2 * page_size, std::byte{1});
            std::fill_n(expected.begin() + page_size - 100, 200, std::byte{2});
            CHECK(read(task, file, 0, 2 * page_size) == expected);
            task.fsync(file);
            for (const std::uint64_t at : {page_size - 101, page_size + 100})
                CHECK(w.durable(at) == 1);
            for (const std::uint64_t at : {page_size - 100, page_size + 99})
                CHECK(w.durable(at) == 2);
        });
    }
}

TEST_CASE("write(2) dirties the buffers it touches, a store through a mapping all of the page")
{
    vm_world w;
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        w.write(task, file, 0, 1, page_size);
        task.fsync(file);
        page& pg = *vm_world::page_of(file, 0);
        w.write(task, file, 1500, 2, 1000); // blocks 1 and 2
        CHECK(vm_world::dirty_buffers(pg) == 2);
        CHECK(pg.buffers.begin()[1].dirty());
        CHECK(pg.buffers.begin()[2].dirty());
        w.put(task, w.map(task, file, 1), 3);
        CHECK(vm_world::dirty_buffers(pg) == 4); // though PG_dirty was set already
    });
}

TEST_CASE("A mapping sees what is written, and read(2) what is stored, in the same frame")
{
    for (const kernel_era era : {kernel_era::linux_2_6_18, kernel_era::golden}) {
        vm_world_options o(era);
        o.cores = 2;
        vm_world w(o);
        mm_struct& mm = w.new_process();
        w.start(0, mm, [&](user_task& task) {
            inode& file = w.open(task);
            const virtual_address va = w.map(task, file, 2);
            w.put(task, va + (page_size - 1), 1);
            CHECK(read(task, file, page_size - 1, 1).at(0) == std::byte{1});
            w.write(task, file, page_size - 1, 2, 2);
            CHECK(w.get(task, va + (page_size - 1)) == 2);
            CHECK(w.get(task, va + page_size) == 2);
            task.fsync(file); // also between a writeback and the next store
            w.put(task, va, 3);
            w.start(1, w.new_process(), [&w](user_task& other) {
                inode& same = w.open(other);
                CHECK(read(other, same, 0, 1).at(0) == std::byte{3});
                CHECK(w.get(other, w.map(other, same, 1)) == 3);
                w.write(other, same, 1, 4, 1);
            });
            task.sleep(picoseconds(ms));
            CHECK(w.get(task, va + 1) == 4);
            task.msync(va, 2 * page_size);
            CHECK(w.durable(0) == 3);
            CHECK(w.durable(1) == 4);
            CHECK(w.durable(page_size) == 2);
        });
        CHECK(w.run());
    }
}

TEST_CASE("A write that the disk has no room for says how much it did, and then why not")
{
    vm_world_options o;
    o.disk.capacity = 400;
    vm_world w(o);
    w.play([&](user_task& task) {
        inode& file = w.open(task);
        const std::int64_t done = w.write(task, file, 0, 1, 64 * page_size);
        CHECK(done > 0);
        CHECK(done < static_cast<std::int64_t>(64 * page_size));
        CHECK(w.write(task, file, 63 * page_size, 1, page_size) < 0);
        CHECK(task.fsync(file) == 0);
        CHECK(w.durable(static_cast<std::uint64_t>(done) - 1) == 1);
        // The failed write has left no page locked.
        CHECK(read(task, file, 0, 64 * page_size).size() == file.size);
    });
}

TEST_CASE("Nothing leaks: a program that has unmapped and dropped everything gives all memory back")
{
    for (const filesystem_type type : {filesystem_type::ext2, filesystem_type::ext3})
        for (const kernel_era era :
             {kernel_era::linux_2_6_18, kernel_era::linux_2_6_19, kernel_era::linux_2_6_20,
              kernel_era::linux_2_6_23, kernel_era::golden}) {
            vm_world_options o(era);
            o.fs.type = type;
            o.vm.dirty_writeback = 5 * s;
            vm_world w(o);
            w.play([&](user_task& task) {
                use_everything(w, task); // tables and metadata stay; they are there now
                const std::uint64_t free = w.cache.free_pages();
                const auto file_pages = w.k->stats.nr_file_pages;
                for (int i = 0; i < 3; ++i)
                    use_everything(w, task);
                // Ever higher addresses, but 252 pages of them: all in one table.
                CHECK(w.cache.free_pages() == free);
                CHECK(w.k->stats.nr_file_pages == file_pages);
                CHECK(w.k->stats.nr_mapped == 0);
                CHECK(w.k->stats.nr_writeback == 0);
            });
        }
}

TEST_CASE("A page that was read as a whole has buffers, or, as with mpage_readpage, none yet")
{
    for (const bool mpage : {false, true})
        for (const bool hole : {false, true}) {
            vm_world_options o;
            o.policies.cache.mpage_readpage = mpage;
            vm_world w(o);
            w.play([&](user_task& task) {
                inode& file = w.open(task);
                if (!hole) {
                    w.write(task, file, 0, 7, page_size);
                    task.fsync(file);
                    task.fadvise_dontneed(file);
                    REQUIRE(vm_world::page_of(file, 0) == nullptr);
                }
                CHECK(w.get(task, w.map(task, file, 1)) == (hole ? 0 : 7));
                CHECK(vm_world::page_of(file, 0)->has_buffers() == !mpage);
                w.write(task, file, 1, 8, 1);
                CHECK(vm_world::page_of(file, 0)->has_buffers());
                CHECK(task.fsync(file) == 0);
                CHECK(w.durable(0) == (hole ? 0 : 7));
                CHECK(w.durable(1) == 8);
            });
        }
}
