#include "tb/workload/random_mix.h"
#include "vm/fault.h"

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mkclean
{

namespace
{

constexpr inode_number the_file{1};
constexpr vm_flags shared_writable{true, true};
constexpr vm_flags private_writable{true, false};

constexpr std::uint64_t longest_store = 3 * page_size / 2;
constexpr std::uint64_t longest_load = 512;
constexpr std::uint64_t longest_call = 2 * page_size;  // of read(2) and write(2)
constexpr std::uint64_t longest_sleep = 3'000'000'000; // ps
constexpr std::uint64_t longest_computation = 20'000;  // cycles
constexpr std::uint64_t copied_pages = 2;              // of a private mapping, at most
constexpr std::uint64_t first_size_percent = 60;       // of the file, when the machine starts

// Few values, and none that a disk is full of before it is written: a byte that nobody stored, or
// an older one, is soon seen to be wrong.
constexpr std::uint64_t distinct_values = 61;

enum class operation {
    store_short,
    store_long,
    store_across,
    load,
    write,
    read,
    msync,
    fsync,
    remap,
    dont_need,
    truncate,
    beyond_the_end,
    store_private,
    check_private,
    store_anonymous,
    check_anonymous,
    sleep,
    compute
};

struct weighted {
    operation what;
    unsigned weight;
};

constexpr std::array<weighted, 18> menu = {{{operation::store_short, 24},
                                            {operation::store_long, 8},
                                            {operation::store_across, 8},
                                            {operation::load, 12},
                                            {operation::write, 6},
                                            {operation::read, 5},
                                            {operation::msync, 4},
                                            {operation::fsync, 2},
                                            {operation::remap, 3},
                                            {operation::dont_need, 3},
                                            {operation::truncate, 2},
                                            {operation::beyond_the_end, 1},
                                            {operation::store_private, 3},
                                            {operation::check_private, 2},
                                            {operation::store_anonymous, 3},
                                            {operation::check_anonymous, 2},
                                            {operation::sleep, 6},
                                            {operation::compute, 6}}};

unsigned total_weight()
{
    unsigned sum = 0;
    for (const weighted& entry : menu)
        sum += entry.weight;
    return sum;
}

// What a thread has stored to memory that only it may change.
struct own_memory {
    virtual_address start;
    std::vector<std::byte> expected;
    std::vector<bool> known; // bytes of a file that nobody stored here yet are not
};

} // namespace

struct random_mix::process {
    explicit process(mm_struct& m) : mm(m) {}
    mm_struct& mm;
    bool common_begun = false;
    virtual_address common;            // a mapping that all its threads use; 0: not made yet
    std::vector<virtual_address> maps; // one a thread that has started; 0: being mapped again
};

class random_mix::program_thread
{
public:
    program_thread(random_mix& mix, process& home, std::uint64_t number)
        : m_mix(mix),
          m_home(home),
          m_slot(home.maps.size()),
          m_random(mix.m_seed * 1'000'003 + number)
    {
        home.maps.emplace_back();
    }

    void run(user_task& self);

private:
    std::uint64_t pick(std::uint64_t lowest, std::uint64_t highest)
    {
        return boost::random::uniform_int_distribution<std::uint64_t>(lowest, highest)(m_random);
    }
    operation pick_operation();
    std::uint64_t pick_offset(std::uint64_t length);
    virtual_address pick_map();
    std::vector<std::byte> new_bytes(std::uint64_t length);

    void open_everything(user_task& self);
    void close_everything(user_task& self);
    void one_operation(user_task& self);
    void perform(user_task& self, operation what);
    void store(user_task& self, std::uint64_t offset, std::uint64_t length);
    void store_across(user_task& self);
    void load(user_task& self);
    void write(user_task& self);
    void read(user_task& self);
    void msync(user_task& self);
    void remap(user_task& self);
    void truncate(user_task& self);
    void store_own(user_task& self, own_memory& memory);
    std::uint64_t count_bad(user_task& self, const own_memory& memory);
    void expect_success(std::int64_t result)
    {
        if (result < 0)
            ++m_mix.m_counts.failed_calls;
    }

    random_mix& m_mix;
    process& m_home;
    std::size_t m_slot; // in m_home.maps
    boost::random::mt19937_64 m_random;
    inode* m_file = nullptr;
    own_memory m_private;
    own_memory m_anonymous;
};

// ---- choices ------------------------------------------------------------------------------------

operation random_mix::program_thread::pick_operation()
{
    std::uint64_t ticket = pick(0, total_weight() - 1);
    for (const weighted& entry : menu) {
        if (ticket < entry.weight)
            return entry.what;
        ticket -= entry.weight;
    }
    return operation::compute;
}

// Where `length` bytes fit into the file as it surely is. Half of the time on its first two pages,
// where threads meet.
std::uint64_t random_mix::program_thread::pick_offset(std::uint64_t length)
{
    std::uint64_t last = m_mix.m_file_size - std::min(length, m_mix.m_file_size);
    if (pick(0, 1) == 0)
        last = std::min(last, 2 * page_size - 1);
    return pick(0, last);
}

// The thread's own mapping, its process's, or one of a sibling that may go away at any time.
virtual_address random_mix::program_thread::pick_map()
{
    virtual_address map;
    switch (pick(0, 3)) {
    case 0:
        map = m_home.maps[pick(0, m_home.maps.size() - 1)];
        break;
    case 1:
    case 2:
        map = m_home.common;
        break;
    default:
        break;
    }
    return map == virtual_address() ? m_home.maps[m_slot] : map;
}

std::vector<std::byte> random_mix::program_thread::new_bytes(std::uint64_t length)
{
    std::vector<std::byte> bytes(length);
    std::uint64_t value = pick(0, distinct_values - 1);
    const std::uint64_t step = pick(1, distinct_values - 1);
    for (std::byte& b : bytes) {
        b = static_cast<std::byte>(1 + value);
        value = (value + step) % distinct_values;
    }
    return bytes;
}

// ---- operations ---------------------------------------------------------------------------------

void random_mix::program_thread::store(user_task& self, std::uint64_t offset, std::uint64_t length)
{
    const std::vector<std::byte> bytes = new_bytes(length);
    self.store(pick_map() + offset, bytes.data(), bytes.size());
}

void random_mix::program_thread::store_across(user_task& self)
{
    const std::uint64_t boundaries = (m_mix.m_file_size - 1) / page_size;
    if (boundaries == 0)
        return;
    const std::uint64_t boundary = pick(1, boundaries) * page_size;
    const std::uint64_t before = pick(1, 16);
    const std::uint64_t after = pick(1, std::min<std::uint64_t>(16, m_mix.m_file_size - boundary));
    store(self, boundary - before, before + after);
}

void random_mix::program_thread::load(user_task& self)
{
    std::vector<std::byte> bytes(pick(1, longest_load));
    self.load(pick_map() + pick_offset(bytes.size()), bytes.data(), bytes.size());
}

// May make the file longer.
void random_mix::program_thread::write(user_task& self)
{
    const std::vector<std::byte> bytes =
        new_bytes(pick(1, std::min<std::uint64_t>(longest_call, m_mix.largest_file())));
    const std::uint64_t room = m_mix.largest_file() - bytes.size();
    const std::uint64_t offset = pick(0, std::min(m_mix.m_file_size, room));
    const std::int64_t done = self.pwrite(*m_file, offset, bytes.data(), bytes.size());
    expect_success(done);
    self.compute(cycles(1));
    if (done > 0)
        m_mix.m_file_size = std::max(m_mix.m_file_size, offset + static_cast<std::uint64_t>(done));
}

void random_mix::program_thread::read(user_task& self)
{
    std::vector<std::byte> bytes(pick(1, longest_call));
    expect_success(self.pread(*m_file, pick(0, m_mix.m_file_size), bytes.data(), bytes.size()));
}

void random_mix::program_thread::msync(user_task& self)
{
    const virtual_address map = m_home.maps[m_slot];
    const std::uint64_t first = pick(0, m_mix.m_options.pages - 1);
    const std::uint64_t count = pick(1, m_mix.m_options.pages - first);
    expect_success(self.msync(map + first * page_size, count * page_size));
}

void random_mix::program_thread::remap(user_task& self)
{
    virtual_address& map = m_home.maps[m_slot];
    const virtual_address old = map;
    const std::uint64_t bytes = (m_mix.m_options.pages + 1) * page_size;
    // Siblings choose at any time: half of them while it is still there.
    if (pick(0, 1) == 0)
        map = virtual_address();
    expect_success(self.munmap(old, bytes));
    if (pick(0, 1) ==
        0) // or the new one is where the old one was before anybody can fall in between
        self.sleep(picoseconds(pick(1, longest_sleep)));
    const virtual_address fresh = self.mmap(m_file, page_index(), bytes, shared_writable);
    self.compute(cycles(1));
    map = fresh;
}

void random_mix::program_thread::truncate(user_task& self)
{
    const std::uint64_t size = pick(1, m_mix.largest_file());
    const int result = self.ftruncate(*m_file, size);
    self.compute(cycles(1));
    if (result == -EINVAL)
        ++m_mix.m_counts.refused_truncates;
    else
        expect_success(result);
    if (result == 0)
        m_mix.m_file_size = std::max(m_mix.m_file_size, size);
}

void random_mix::program_thread::store_own(user_task& self, own_memory& memory)
{
    const std::uint64_t length = pick(1, std::min<std::uint64_t>(64, memory.expected.size()));
    const std::uint64_t offset = pick(0, memory.expected.size() - length);
    const std::vector<std::byte> bytes = new_bytes(length);
    self.store(memory.start + offset, bytes.data(), bytes.size());
    const auto at = static_cast<std::ptrdiff_t>(offset);
    std::copy(bytes.begin(), bytes.end(), memory.expected.begin() + at);
    std::fill_n(memory.known.begin() + at, length, true);
}

std::uint64_t random_mix::program_thread::count_bad(user_task& self, const own_memory& memory)
{
    std::vector<std::byte> found(memory.expected.size());
    self.load(memory.start, found.data(), found.size());
    std::uint64_t bad = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
        if (memory.known[i] && found[i] != memory.expected[i])
            ++bad;
    return bad;
}

void random_mix::program_thread::perform(user_task& self, operation what)
{
    const auto at_most = [this](std::uint64_t longest) {
        return pick(1, std::min(longest, m_mix.m_file_size));
    };
    counts& counted = m_mix.m_counts;
    switch (what) {
    case operation::store_short:
    case operation::store_long: {
        const std::uint64_t length =
            at_most(what == operation::store_short ? sizeof(std::uint64_t) : longest_store);
        return store(self, pick_offset(length), length);
    }
    case operation::store_across:
        return store_across(self);
    case operation::load:
        return load(self);
    case operation::write:
        return write(self);
    case operation::read:
        return read(self);
    case operation::msync:
        return msync(self);
    case operation::fsync:
        return expect_success(self.fsync(*m_file));
    case operation::remap:
        return remap(self);
    case operation::dont_need:
        return self.fadvise_dontneed(*m_file);
    case operation::truncate:
        return truncate(self);
    case operation::beyond_the_end: // the mapping is a page longer than the file will ever be
        return store(self, m_mix.largest_file() + pick(0, page_size - 8), 8);
    case operation::store_private:
        return store_own(self, m_private);
    case operation::check_private:
        counted.bad_private_bytes += count_bad(self, m_private);
        break;
    case operation::store_anonymous:
        return store_own(self, m_anonymous);
    case operation::check_anonymous:
        counted.bad_anonymous_bytes += count_bad(self, m_anonymous);
        break;
    case operation::sleep:
        return self.sleep(picoseconds(pick(1, longest_sleep)));
    case operation::compute:
        return self.compute(cycles(pick(1, longest_computation)));
    }
}

// A signal is handled: the access was not made, the program goes on.
void random_mix::program_thread::one_operation(user_task& self)
{
    // What threads tell each other (sizes, mappings) is looked at at this thread's own time.
    self.compute(cycles(1));
    try {
        perform(self, pick_operation());
    } catch (const user_signal& signal) {
        counts& counted = m_mix.m_counts;
        switch (signal.what) {
        case user_signal::kind::bus:
            ++counted.bus_errors;
            break;
        case user_signal::kind::segv:
            ++counted.segmentation_faults;
            break;
        case user_signal::kind::kill:
            ++counted.kills;
            break;
        }
    }
    ++m_mix.m_counts.operations;
}

// ---- a thread's life ----------------------------------------------------------------------------

void random_mix::program_thread::open_everything(user_task& self)
{
    const std::uint64_t bytes = (m_mix.m_options.pages + 1) * page_size;
    m_file = &self.open(the_file);
    const virtual_address map = self.mmap(m_file, page_index(), bytes, shared_writable);
    self.compute(cycles(1));
    m_home.maps[m_slot] = map;
    if (!std::exchange(m_home.common_begun, true)) {
        const virtual_address common = self.mmap(m_file, page_index(), bytes, shared_writable);
        self.compute(cycles(1));
        m_home.common = common;
    }
    const std::uint64_t copied =
        std::min(copied_pages * page_size, m_mix.m_file_size / page_size * page_size);
    m_private.expected.resize(std::max<std::uint64_t>(copied, 1));
    m_private.known.resize(m_private.expected.size());
    m_private.start = self.mmap(m_file, page_index(), m_private.expected.size(), private_writable);
    const std::uint64_t anonymous = m_mix.m_options.anonymous_pages * page_size;
    m_anonymous.expected.resize(anonymous);
    m_anonymous.known.assign(anonymous, true);
    m_anonymous.start = self.mmap(nullptr, page_index(), anonymous, private_writable);
    m_mix.m_counts.bad_anonymous_bytes += count_bad(self, m_anonymous); // takes the memory
}

void random_mix::program_thread::close_everything(user_task& self)
{
    m_mix.m_counts.bad_private_bytes += count_bad(self, m_private);
    m_mix.m_counts.bad_anonymous_bytes += count_bad(self, m_anonymous);
    expect_success(self.munmap(m_private.start, m_private.expected.size()));
    expect_success(self.munmap(m_anonymous.start, m_anonymous.expected.size()));
}

void random_mix::program_thread::run(user_task& self)
{
    open_everything(self);
    for (std::uint64_t i = 0; i < m_mix.m_options.operations; ++i) {
        one_operation(self);
        if (m_mix.m_options.think > 0)
            self.sleep(picoseconds(m_mix.m_options.think));
    }
    close_everything(self);
}

// ---- the program --------------------------------------------------------------------------------

random_mix::random_mix(const workload_options& options, std::uint64_t seed)
    : m_options(options),
      m_seed(seed),
      m_file_size(std::max<std::uint64_t>(1, largest_file() * first_size_percent / 100))
{
}

random_mix::~random_mix() = default;

std::vector<std::uint64_t> random_mix::files() const
{
    return {m_file_size};
}

void random_mix::start(world& w)
{
    for (std::uint64_t t = 0; t < m_options.threads; ++t) {
        if (t < m_options.processes)
            m_processes.push_back(std::make_unique<process>(w.new_process()));
        process& home = *m_processes[t % m_options.processes];
        m_threads.push_back(std::make_unique<program_thread>(*this, home, t));
        program_thread& body = *m_threads.back();
        w.start_thread("random" + std::to_string(t), static_cast<unsigned>(t), home.mm,
                       [&body](user_task& self) { body.run(self); });
    }
}

std::vector<workload::counter> random_mix::report() const
{
    return {{"operations", m_counts.operations},
            {"bus_errors", m_counts.bus_errors},
            {"segmentation_faults", m_counts.segmentation_faults},
            {"kills", m_counts.kills},
            {"refused_truncates", m_counts.refused_truncates},
            {"failed_calls", m_counts.failed_calls},
            {"bad_private_bytes", m_counts.bad_private_bytes},
            {"bad_anonymous_bytes", m_counts.bad_anonymous_bytes}};
}

double random_mix::part_done() const
{
    return static_cast<double>(m_counts.operations) /
           static_cast<double>(m_options.operations * m_options.threads);
}

} // namespace mkclean
