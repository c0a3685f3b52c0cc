#include "tb/lesson/run.h"
#include "storage/fs/mkfs.h"
#include "tb/output/statistics.h"
#include "tb/run.h"

#include <optional>

namespace mkclean
{

lesson_machine::lesson_machine(const std::vector<setting>& settings)
{
    m_config.declare(m_options);
    apply_settings(settings, m_options);
    m_config.check(m_options);
}

lesson_run run_lesson(const lesson_machine& machine, const page_name& page)
{
    lesson_run run;
    std::optional<run_follower> follower;
    try {
        run_on_fibers(
            machine.get(), [&](world& w) { follower.emplace(w); },
            [&](world& w) {
                run.record = follower->finish(page);
                run.statistics = statistics_of(w, machine.options());
                follower.reset();
            });
    } catch (const disk_too_small& error) {
        throw machine.options().complaint("disk.capacity", error.what());
    } catch (const out_of_memory& error) {
        throw machine.options().complaint("memory", error.what());
    }
    return run;
}

} // namespace mkclean
