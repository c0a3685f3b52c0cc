#pragma once

#include "cache/page_cache.h"
#include "cache/tests/kernel_thread.h"
#include "sim/fiber_executor.h"

#include <memory>
#include <vector>

namespace mkclean
{

/// Files that are never written anywhere.
struct idle_operations final : address_space_operations {
    int writepage(actor& self, page& pg, writeback_control&) override
    {
        unlock_page(self, pg);
        return 0;
    }
    int readpage(actor& self, page& pg) override
    {
        unlock_page(self, pg);
        return 0;
    }
    int prepare_write(actor&, page&, std::uint32_t, std::uint32_t) override { return 0; }
    int commit_write(actor&, page&, std::uint32_t, std::uint32_t) override { return 0; }
};

/// A page cache, two files, and threads.
class cache_world final
{
public:
    explicit cache_world(const temper& t = {}, const cache_policies& policies = {},
                         std::uint64_t frames = 64)
        : cache(frames, 0, policies),
          first(inode_number(1), cache, ops, bdi),
          second(inode_number(2), cache, ops, bdi),
          m_temper(t)
    {
    }
    ~cache_world() { exec.cancel_all(); }

    kernel_thread& spawn(std::function<void(kernel_thread&)> body)
    {
        m_threads.push_back(
            std::make_unique<kernel_thread>(exec, log, cost, "thread", m_temper, std::move(body)));
        m_temper.seed += 0x9e3779b97f4a7c15;
        return *m_threads.back();
    }
    /// Runs until nobody can go on; true if all threads have ended.
    bool run()
    {
        exec.run();
        for (const auto& t : m_threads) {
            if (!t->ended())
                return false;
        }
        return true;
    }
    /// One thread alone, to its end.
    bool run(std::function<void(kernel_thread&)> body)
    {
        spawn(std::move(body));
        return run();
    }

    costs cost;
    event_log log;
    fiber_executor exec;
    page_cache cache;
    idle_operations ops;
    backing_dev_info bdi;
    inode first;
    inode second;

private:
    temper m_temper;
    std::vector<std::unique_ptr<kernel_thread>> m_threads;
};

} // namespace mkclean
