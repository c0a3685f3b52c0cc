#include "tb/workload/script.h"
#include "storage/fs/recovery.h"
#include "tb/text_file.h"
#include "vm/fault.h"

#include <algorithm>

#include <fmt/format.h>

namespace mkclean
{

/// One thread: where it is in its operations, and how it does each.
class script::runner
{
public:
    runner(script& owner, const script_program::thread& program, user_task& self)
        : m_script(owner),
          m_program(program),
          m_self(self)
    {
    }

    void run();

private:
    using kind = script_operation::kind;

    void open_files();
    void run_operations();
    void leave();
    void execute(const script_operation& op);

    void map(const script_operation& op);
    void unmap(const script_operation& op);
    void mremap(const script_operation& op);
    void madvise(const script_operation& op);
    void store(const script_operation& op);
    void load(const script_operation& op);
    void write(const script_operation& op);
    void read(const script_operation& op);
    void msync(const script_operation& op);
    void durable(const script_operation& op);
    void dirty_pages(const script_operation& op);
    void fail(const script_operation& op);
    void pin(const script_operation& op);
    void dma(const script_operation& op);
    void unpin(const script_operation& op);
    void until(const script_operation& op);
    void meet(const script_operation& op);
    void line_up();
    void repeat(const script_operation& op);
    void end(const script_operation& op);

    mapping& mapped(const script_operation& op);
    inode& file(const script_operation& op) { return *m_files.at(op.file); }
    const std::string& name_of(const script_operation& op) const
    {
        return m_script.m_program.variables[op.variable].name;
    }
    void expect(const script_operation& op, const std::vector<std::byte>& found);
    void synced(const script_operation& op, bool good);
    void count_expectation(bool met);
    void check_result(bool good) { m_script.m_counts.failed_calls += good ? 0U : 1U; }
    void check_somebody_can_go_on(unsigned line) const;
    input_error error(unsigned line, const std::string& message) const
    {
        return input_error(origin{m_script.m_program.path, line}, message);
    }

    script& m_script;
    const script_program::thread& m_program;
    user_task& m_self;
    std::vector<inode*> m_files; ///< by index; null: this thread does not name it
    std::size_t m_next = 0;      ///< operation
    page* m_pinned = nullptr;
    std::vector<std::uint64_t> m_left; ///< rounds, this one included, of the open repeats
};

// ---- a thread's life ----------------------------------------------------------------------------

void script::runner::run()
{
    try {
        open_files();
        run_operations();
    } catch (const user_signal&) {
        leave();
        throw;
    }
    leave();
}

void script::runner::open_files()
{
    m_files.resize(m_script.m_program.files.size());
    for (const script_operation& op : m_program.operations)
        if (op.file != script_operation::no_file && m_files[op.file] == nullptr)
            m_files[op.file] = &m_self.open(inode_number(op.file + 1));
}

void script::runner::run_operations()
{
    while (m_next < m_program.operations.size()) {
        const script_operation& op = m_program.operations[m_next++];
        ++m_script.m_counts.operations;
        execute(op);
    }
}

// Nobody waits any more for a thread that has ended, be it by a signal.
void script::runner::leave()
{
    m_self.cpu().settle();
    --m_script.m_running;
    for (std::size_t i = 0; i < m_script.m_meetings.size(); ++i) {
        if (!script_program::attends(m_program, i))
            continue;
        meeting& m = m_script.m_meetings[i];
        --m.expected;
        if (m.here == 0 || m.here < m.expected)
            continue;
        m_script.m_waiting -= std::exchange(m.here, 0);
        ++m.round;
        m_self.futex_wake(m.waiting);
    }
    check_somebody_can_go_on(m_program.line);
}

void script::runner::check_somebody_can_go_on(unsigned line) const
{
    if (m_script.m_waiting > 0 && m_script.m_waiting == m_script.m_running)
        throw error(line, "every thread waits at a meeting that another one does not reach");
}

void script::runner::execute(const script_operation& op)
{
    switch (op.what) {
    case kind::map:
        return map(op);
    case kind::unmap:
        return unmap(op);
    case kind::madvise:
        return madvise(op);
    case kind::mremap:
        return mremap(op);
    case kind::remap:
        return check_result(m_self.remap_file_pages(mapped(op).start, page_index(op.times)) == 0);
    case kind::store:
        return store(op);
    case kind::load:
        return load(op);
    case kind::write:
        return write(op);
    case kind::read:
        return read(op);
    case kind::msync:
        return msync(op);
    case kind::fsync:
        return synced(op, m_self.fsync(file(op)) == 0);
    case kind::sync:
        return m_self.sync();
    case kind::reclaim:
        return m_self.reclaim();
    case kind::migrate:
        m_self.migrate(file(op));
        return;
    case kind::drop:
        return m_self.fadvise_dontneed(file(op));
    case kind::truncate:
        return check_result(m_self.ftruncate(file(op), op.size) == 0);
    case kind::durable:
        return durable(op);
    case kind::dirty_pages:
        return dirty_pages(op);
    case kind::fail:
        return fail(op);
    case kind::pin:
        return pin(op);
    case kind::dma:
        return dma(op);
    case kind::unpin:
        return unpin(op);
    case kind::sleep:
        return m_self.sleep(op.time);
    case kind::until:
        return until(op);
    case kind::compute:
        return m_self.compute(op.duration);
    case kind::meet:
        return meet(op);
    case kind::repeat:
        return repeat(op);
    case kind::end:
        return end(op);
    }
}

// ---- mappings -----------------------------------------------------------------------------------

script::mapping& script::runner::mapped(const script_operation& op)
{
    mapping& m = m_script.m_mappings[op.variable];
    if (m.of_several)
        m_self.cpu().settle(); // no thread may know, or change it, ahead of the others
    if (m.length == 0)
        throw error(op.line, in_quotes(name_of(op)) + " is not mapped when this is reached");
    if (op.offset + op.size > m.length)
        throw error(op.line,
                    in_quotes(name_of(op)) + " is mapped, but shorter, when this is reached");
    return m;
}

void script::runner::map(const script_operation& op)
{
    inode* const shown = op.file == script_operation::no_file ? nullptr : &file(op);
    vm_flags flags;
    flags.write = !op.readonly;
    flags.shared = !op.is_private;
    const virtual_address start =
        m_self.mmap(shown, page_index(op.offset / page_size), op.size, flags);
    if (start == virtual_address())
        throw error(op.line, "the address space has no room for this mapping");
    const std::uint64_t pages = (op.size + page_size - 1) / page_size;
    mapping& m = m_script.m_mappings[op.variable];
    if (m.of_several)
        m_self.cpu().sync();
    m.start = start;
    m.length = pages * page_size;
}

void script::runner::unmap(const script_operation& op)
{
    mapping& m = mapped(op);
    const mapping old = m;
    check_result(m_self.munmap(old.start, old.length) == 0);
    if (m.of_several)
        m_self.cpu().sync();
    if (m.start == old.start)
        m.length = 0;
}

void script::runner::mremap(const script_operation& op)
{
    mapping& m = mapped(op);
    const virtual_address old = m.start;
    const virtual_address fresh = m_self.mremap(old, op.dontunmap);
    if (fresh == virtual_address())
        throw error(op.line, "the address space has no room to move this mapping to");
    if (m.of_several)
        m_self.cpu().sync();
    if (!op.dontunmap && m.start == old)
        m.start = fresh;
}

void script::runner::madvise(const script_operation& op)
{
    const mapping m = mapped(op);
    if (op.offset >= m.length)
        throw error(op.line,
                    in_quotes(name_of(op)) + " is mapped, but shorter, when this is reached");
    const std::uint64_t length = op.size != 0 ? op.size : m.length - op.offset;
    check_result(m_self.madvise_dontneed(m.start + op.offset, length) == 0);
}

void script::runner::store(const script_operation& op)
{
    const std::vector<std::byte> bytes(op.size, op.byte);
    m_self.store(mapped(op).start + op.offset, bytes.data(), bytes.size());
}

void script::runner::load(const script_operation& op)
{
    std::vector<std::byte> bytes(op.size);
    m_self.load(mapped(op).start + op.offset, bytes.data(), bytes.size());
    expect(op, bytes);
}

void script::runner::msync(const script_operation& op)
{
    const mapping m = mapped(op);
    synced(op, m_self.msync(m.start, m.length) == 0);
}

void script::runner::synced(const script_operation& op, bool good)
{
    check_result(good);
    if (op.expects)
        count_expectation(good);
}

// ---- files --------------------------------------------------------------------------------------

void script::runner::write(const script_operation& op)
{
    const std::vector<std::byte> bytes(op.size, op.byte);
    const std::int64_t written = m_self.pwrite(file(op), op.offset, bytes.data(), bytes.size());
    check_result(written == static_cast<std::int64_t>(op.size));
}

void script::runner::read(const script_operation& op)
{
    std::vector<std::byte> bytes(op.size);
    const std::int64_t got = m_self.pread(file(op), op.offset, bytes.data(), bytes.size());
    check_result(got == static_cast<std::int64_t>(op.size));
    bytes.resize(static_cast<std::size_t>(std::max<std::int64_t>(got, 0)));
    expect(op, bytes);
}

void script::runner::expect(const script_operation& op, const std::vector<std::byte>& found)
{
    if (!op.expects)
        return;
    count_expectation(
        found.size() == op.size &&
        std::all_of(found.begin(), found.end(), [&](std::byte b) { return b == op.byte; }));
}

void script::runner::count_expectation(bool met)
{
    ++m_script.m_counts.expectations;
    m_script.m_counts.failed_expectations += met ? 0U : 1U;
}

// ---- what programs cannot see -------------------------------------------------------------------

void script::runner::durable(const script_operation& op)
{
    m_self.cpu().sync();
    const recovered_filesystem after_a_cut(m_script.m_world->media());
    const page_index first(op.offset / page_size);
    const page_index last((op.offset + op.size - 1) / page_size);
    std::vector<std::byte> bytes((last.raw() - first.raw() + 1) * page_size);
    for (page_index at = first; at <= last; ++at)
        after_a_cut.read_page(file(op).ino.raw(), at.raw(),
                              bytes.data() + (at.raw() - first.raw()) * page_size);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(op.offset % page_size);
    expect(op, {begin, begin + static_cast<std::ptrdiff_t>(op.size)});
}

void script::runner::dirty_pages(const script_operation& op)
{
    m_self.cpu().sync();
    const std::int64_t dirty = m_script.m_world->the_kernel().stats.nr_dirty;
    count_expectation(dirty <= static_cast<std::int64_t>(op.times));
}

void script::runner::fail(const script_operation& op)
{
    m_self.cpu().sync();
    const filesystem& fs = m_script.m_world->files();
    const std::uint64_t block = fs.peek_block(file(op), op.offset / fs.block_size());
    if (block == 0)
        throw error(op.line, "nothing can fail here yet: the file has no block there");
    m_script.m_world->disk().fail_next_write(sector_number(block * fs.block_size() / sector_size));
}

void script::runner::pin(const script_operation& op)
{
    if (m_pinned != nullptr)
        throw error(op.line, "a page is pinned already when this is reached");
    m_pinned = &m_self.pin(mapped(op).start + op.offset);
}

void script::runner::dma(const script_operation& op)
{
    if (m_pinned == nullptr)
        throw error(op.line, "no page is pinned when this is reached");
    const std::vector<std::byte> bytes(op.size, op.byte);
    m_self.device_stores(*m_pinned, op.offset, bytes.data(), bytes.size());
}

void script::runner::unpin(const script_operation& op)
{
    if (m_pinned == nullptr)
        throw error(op.line, "no page is pinned when this is reached");
    m_self.unpin(*std::exchange(m_pinned, nullptr));
}

// ---- time and control ---------------------------------------------------------------------------

void script::runner::until(const script_operation& op)
{
    m_script.m_counts.late += m_self.now() > op.time ? 1U : 0U;
    m_self.compute_until(op.time);
}

void script::runner::meet(const script_operation& op)
{
    m_self.cpu().sync();
    meeting& m = m_script.m_meetings[op.meeting];
    if (++m.here >= m.expected) {
        m_script.m_waiting -= std::exchange(m.here, 0) - 1;
        ++m.round;
        m_self.futex_wake(m.waiting);
    } else {
        ++m_script.m_waiting;
        check_somebody_can_go_on(op.line);
        m_self.futex_wait(m.waiting, [&m, round = m.round] { return m.round != round; });
    }
    if (op.meeting == m_script.m_explored_from)
        line_up();
}

// In what order they were woken is of no interest to an explorer.
void script::runner::line_up()
{
    const std::size_t all = m_script.m_meetings[m_script.m_explored_from].expected;
    m_script.m_begun = m_script.m_begun || ++m_script.m_lined_up >= all;
    m_self.cpu().wait_for_good([this] { return m_script.m_begun; });
}

void script::runner::repeat(const script_operation& op)
{
    if (op.times == 0)
        m_next = op.partner + 1;
    else
        m_left.push_back(op.times);
}

// The branch back takes a cycle: time passes even in a loop with nothing in it.
void script::runner::end(const script_operation& op)
{
    m_self.compute(cycles(1));
    if (--m_left.back() == 0)
        m_left.pop_back();
    else
        m_next = op.partner + 1;
}

// ---- the workload -------------------------------------------------------------------------------

script::script(script_program program)
    : m_program(std::move(program)),
      m_mappings(m_program.variables.size()),
      m_meetings(m_program.meetings.size())
{
    for (std::size_t i = 0; i < m_mappings.size(); ++i)
        m_mappings[i].of_several =
            std::count_if(m_program.threads.begin(), m_program.threads.end(),
                          [i](const auto& t) { return script_program::names(t, i); }) > 1;
}

script::~script() = default;

std::vector<std::uint64_t> script::files() const
{
    std::vector<std::uint64_t> sizes;
    for (const script_program::file& f : m_program.files)
        sizes.push_back(f.size);
    return sizes;
}

void script::start(world& w)
{
    m_world = &w;
    std::vector<mm_struct*> processes;
    for (std::size_t i = 0; i < m_program.processes.size(); ++i)
        processes.push_back(&w.new_process());
    m_running = m_program.threads.size();
    const auto from = std::find(m_program.meetings.begin(), m_program.meetings.end(), "explored");
    m_explored_from = static_cast<std::size_t>(from - m_program.meetings.begin());
    m_begun = from == m_program.meetings.end();
    for (const script_program::thread& t : m_program.threads) {
        for (std::size_t i = 0; i < m_meetings.size(); ++i)
            m_meetings[i].expected += script_program::attends(t, i) ? 1U : 0U;
        w.start_thread(t.name, t.core, *processes[t.process],
                       [this, &t](user_task& self) { runner(*this, t, self).run(); });
    }
}

std::vector<workload::counter> script::report() const
{
    return {{"operations", m_counts.operations},
            {"expectations", m_counts.expectations},
            {"expectations_failed", m_counts.failed_expectations},
            {"failed_calls", m_counts.failed_calls},
            {"late", m_counts.late}};
}

script_program read_script(const config& c, const origin& asked_by)
{
    script_surroundings around;
    around.delay = c.workload.delay;
    around.value = c.workload.value;
    around.cores = c.cores;
    around.files_shrink = c.fs.type == filesystem_type::ext2 && c.era.policies().cache.files_shrink;
    return parse_script(read_text_file(c.workload.file, asked_by), c.workload.file, around);
}

std::unique_ptr<workload> make_script(const config& c)
{
    return std::make_unique<script>(read_script(c, origin()));
}

} // namespace mkclean
