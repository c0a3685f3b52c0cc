#pragma once

#include "storage/fs/tests/file_model.h"
#include "storage/fs/tests/fs_world.h"

namespace mkclean
{

/// Threads that do to the files of a filesystem whatever can be done to them, a flusher, and a
/// judge who takes the media away at the disk's events and looks at what a recovery would find
/// there.
class fs_storm final
{
public:
    struct plan {
        std::uint64_t seed = 0;
        unsigned threads = 3;
        unsigned turns = 25;
        unsigned judge_one_in = 1;     ///< of the disk's events
        bool judge_as_ordered = false; ///< though it is not
    };

    fs_storm(const fs_world_options& o, const plan& p)
        : world(o),
          m_plan(p),
          m_random(p.seed),
          m_models(o.files.size())
    {
        for (std::size_t i = 0; i < o.files.size(); ++i)
            m_models[i].completed(m_models[i].grew(o.files[i]));
        world.machine.on_any_event = [this](const event& e, std::uint64_t) {
            if (world.machine.log.name_of(e.actor).where == "disk" &&
                m_random() % m_plan.judge_one_in == 0)
                judge();
        };
        for (unsigned i = 0; i < p.threads; ++i)
            world.machine.spawn([this](kernel_thread& self) { run_thread(self); });
        world.machine.spawn([this](kernel_thread& self) { run_flusher(self); });
    }

    /// To the end, or to the first thing that is wrong.
    void run()
    {
        const bool ended = world.machine.run();
        if (wrong.empty() && !ended)
            wrong = "deadlock";
    }

    /// When all is quiet: every file as it was left, from memory and from the disk.
    void check_end()
    {
        world.run([this](kernel_thread& self) {
            for (std::size_t i = 0; i < m_models.size(); ++i) {
                inode& file = world.open(self, i + 1);
                sync(self, i, file);
                for (page_index at; page* pg = file.mapping.pages.next(at);) {
                    at = pg->index + 1;
                    if (!world.drop(self, file, pg->index.raw()))
                        wrong = "a clean page cannot be dropped";
                }
                m_models[i].for_each_unit([&](std::uint64_t offset, unsigned value) {
                    if (!world.holds(self, file, offset, file_model::unit, value))
                        wrong = "file " + std::to_string(i + 1) + " at " + std::to_string(offset) +
                                " is not read back";
                });
            }
        });
        judge();
    }

    fs_world world;
    std::string wrong; ///< the first thing found
    std::uint64_t judged = 0;
    std::uint64_t syncs = 0;
    std::uint64_t most_replayed = 0;

private:
    void judge()
    {
        if (!wrong.empty())
            return;
        ++judged;
        const recovered_filesystem found(world.machine.media);
        most_replayed = std::max(most_replayed, found.replayed());
        const bool journalled = world.options.type == filesystem_type::ext3;
        check_metadata();
        const bool ordered =
            (journalled && world.options.data == data_mode::ordered) || m_plan.judge_as_ordered;
        if (journalled && wrong.empty())
            wrong = fsck(found);
        for (std::size_t i = 0; i < m_models.size() && wrong.empty(); ++i)
            wrong = m_models[i].judge(found, i + 1, ordered);
        if (!wrong.empty()) {
            wrong += " (at " + std::to_string(world.machine.exec.now().raw()) + " ps)";
            world.machine.exec.stop();
        }
    }

    // What a transaction has not committed must not be where a flusher finds it.
    void check_metadata()
    {
        address_space& mapping = world.fs->device_inode().mapping;
        for (page_index at; const page* pg = mapping.pages.next(at); at = pg->index + 1)
            for (const buffer_head& bh : pg->buffers)
                if (bh.dirty() && bh.test(buffer_flag::journal_dirty))
                    wrong = "uncommitted metadata are dirty";
    }

    void run_thread(kernel_thread& self)
    {
        for (unsigned turn = 0; turn < m_plan.turns; ++turn) {
            const std::size_t i = self.below(m_models.size());
            act(self, i, world.open(self, i + 1));
            if (self.below(4) == 0)
                self.pause(self.below(300 * block_world::us));
        }
        ++m_ended;
    }
    void act(kernel_thread& self, std::size_t i, inode& file)
    {
        const std::uint64_t offset = pick_page(self) * page_size + 64 * self.below(64);
        const std::uint64_t room = page_size - offset % page_size;
        const std::uint64_t length = 64 * (1 + self.below(room / 64));
        const unsigned value = 1 + m_value++ % 255;
        file_model& model = m_models[i];
        file_model::state after;
        switch (self.below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            world.write(self, file, offset, length, value,
                        [&] { after = model.wrote(offset, length, value); });
            break;
        case 4:
        case 5:
        case 6:
            if (offset + length <= file.size)
                world.store(self, file, offset, length, value,
                            [&] { after = model.wrote(offset, length, value); });
            break;
        case 7:
            grow(self, model, file, offset);
            break;
        case 8:
            sync(self, i, file);
            break;
        case 9:
            world.write_pages(self, file, sync_mode::none);
            break;
        case 10:
            world.drop(self, file, offset / page_size);
            break;
        default:
            world.fs->sync_fs(self);
        }
        model.completed(after);
    }
    void grow(kernel_thread& self, file_model& model, inode& file, std::uint64_t size)
    {
        const lock_guard<mutex> guard(self, file.i_mutex);
        if (size <= file.size)
            return;
        const file_model::state after = model.grew(size);
        world.fs->truncate(self, file, size);
        model.completed(after);
    }
    void sync(kernel_thread& self, std::size_t i, inode& file)
    {
        self.sync();
        const file_model::state p = m_models[i].begin_sync();
        world.fsync(self, file);
        m_models[i].end_sync(p);
        ++syncs;
    }
    // On both sides of where an indirection begins.
    std::uint64_t pick_page(kernel_thread& self)
    {
        const std::uint64_t per_table = world.options.block_size / 4;
        const std::uint64_t doubly = direct_pointers + per_table;
        const std::array<std::uint64_t, 8> blocks{0,
                                                  direct_pointers - 1,
                                                  direct_pointers,
                                                  doubly - 1,
                                                  doubly,
                                                  doubly + per_table,
                                                  doubly + per_table * per_table - 1,
                                                  doubly + per_table * per_table};
        return blocks[self.below(blocks.size())] * world.options.block_size / page_size;
    }

    // The metadata go to their places behind everybody's back.
    void run_flusher(kernel_thread& self)
    {
        while (m_ended < m_plan.threads) {
            self.pause(self.below(200 * block_world::us));
            if (self.below(3) == 0) {
                const std::uint64_t ino = 1 + self.below(m_models.size());
                world.write_pages(self, world.open(self, ino), sync_mode::none);
            } else {
                world.write_pages(self, world.fs->device_inode(), sync_mode::none);
            }
        }
    }

    plan m_plan;
    std::mt19937_64 m_random; // the judge's
    std::vector<file_model> m_models;
    unsigned m_value = 0;
    unsigned m_ended = 0;
};

} // namespace mkclean
