#include "tb/explore/crew.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <system_error>

#include <fmt/format.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mkclean
{

namespace
{

constexpr std::size_t longest_text = 240; // bytes
constexpr std::time_t look_after = 1;     // s, whether those who are waited for are still there

enum class trouble : std::uint8_t { none, store_is_full, program_is_too_large, other };

// Processes that do not know each other's memory: a text has its place in what they have in common.
struct shared_text {
    std::array<char, longest_text> bytes;
    void set(const std::string& text)
    {
        bytes.fill('\0');
        std::copy_n(text.begin(), std::min(text.size(), longest_text - 1), bytes.begin());
    }
    std::string get() const { return bytes.data(); }
};

void wait_for(sem_t& semaphore)
{
    while (::sem_wait(&semaphore) != 0)
        ;
}

void refuse_above_last_mover(explored_world::move m)
{
    if (m > crew::last_mover)
        throw program_not_explored(fmt::format(
            "expected a program with fewer threads and cores: a search tells {} of them, their "
            "timers and devices apart, and this one has number {}",
            crew::last_mover, m));
}

bool wait_a_while_for(sem_t& semaphore)
{
    timespec until{};
    ::clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += look_after;
    while (::sem_timedwait(&semaphore, &until) != 0)
        if (errno == ETIMEDOUT)
            return false;
    return true;
}

} // namespace

bool is_switch(const std::vector<explored_world::move>& all, explored_world::move last,
               explored_world::move next)
{
    return next != last && std::find(all.begin(), all.end(), last) != all.end();
}

struct crew::answer {
    std::uint8_t moves;
    std::uint8_t whose; ///< assertion
    std::array<std::uint8_t, last_mover> movers;
    std::array<moves_made::one, last_mover> results;
    shared_text says;
};

/// Where orders and answers lie.
struct crew::desk {
    sem_t begin;
    sem_t done;
    std::atomic<std::size_t> next; ///< order that nobody has taken
    std::size_t orders;
    std::array<moves_wanted, most_orders> order;
    std::array<answer, most_orders> answers;
    std::atomic<trouble> how; ///< the first
    shared_text what;
};

/// Killed when it goes.
class crew::worker
{
public:
    explicit worker(pid_t id) : m_id(id) {}
    ~worker()
    {
        if (m_id <= 0)
            return;
        ::kill(m_id, SIGKILL);
        int status = 0;
        while (::waitpid(m_id, &status, 0) < 0 && errno == EINTR)
            ;
    }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    /// Error: crew_broken if it has ended.
    void check_is_there()
    {
        int status = 0;
        if (::waitpid(m_id, &status, WNOHANG) == 0)
            return;
        m_id = -1;
        throw crew_broken(
            WIFSIGNALED(status)
                ? fmt::format("one of explore's processes has crashed: signal {} ({})",
                              WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                : fmt::format("one of explore's processes has ended with exit code {}",
                              WEXITSTATUS(status)));
    }

private:
    pid_t m_id;
};

crew::crew(explored_world& w, std::size_t jobs)
    : m_world(w),
      m_shared(sizeof(desk)),
      m_desk(new (m_shared.as<void>()) desk{})
{
    constexpr int between_processes = 1;
    ::sem_init(&m_desk->begin, between_processes, 0);
    ::sem_init(&m_desk->done, between_processes, 0);
    const pid_t parent = ::getpid();
    while (m_workers.size() + 1 < jobs) {
        const pid_t id = ::fork();
        if (id < 0)
            throw std::system_error(errno, std::generic_category(), "fork");
        if (id == 0)
            serve(parent);
        m_workers.push_back(std::make_unique<worker>(id));
    }
}

crew::~crew() = default;

void crew::serve(pid_t parent) noexcept
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
        ::_exit(0); // it has gone before this could be asked for
    for (;;) {
        wait_for(m_desk->begin);
        work();
        ::sem_post(&m_desk->done);
    }
}

void crew::make(const std::vector<moves_wanted>& orders, const std::function<bool()>& wants_no_more)
{
    std::copy(orders.begin(), orders.end(), m_desk->order.begin());
    m_desk->orders = orders.size();
    m_desk->next = 0;
    for (std::size_t i = 0; i < m_workers.size(); ++i)
        ::sem_post(&m_desk->begin);
    work();
    wait_for_all(wants_no_more);
    switch (m_desk->how) {
    case trouble::none:
        return;
    case trouble::store_is_full:
        throw store_full();
    case trouble::program_is_too_large:
        throw program_not_explored(m_desk->what.get());
    case trouble::other:
        throw std::runtime_error(m_desk->what.get());
    }
}

void crew::wait_for_all(const std::function<bool()>& wants_no_more)
{
    for (std::size_t i = 0; i < m_workers.size(); ++i)
        while (!wait_a_while_for(m_desk->done)) {
            for (const auto& w : m_workers)
                w->check_is_there();
            if (wants_no_more())
                throw crew_stopped();
        }
}

void crew::work()
{
    trouble how = trouble::none;
    std::string what;
    try {
        for (std::size_t n = m_desk->next++; n < m_desk->orders; n = m_desk->next++)
            carry_out(m_desk->order[n], m_desk->answers[n]);
        return;
    } catch (const store_full&) {
        how = trouble::store_is_full;
    } catch (const program_not_explored& error) {
        how = trouble::program_is_too_large;
        what = error.what();
    } catch (const std::exception& error) {
        how = trouble::other;
        what = error.what();
    }
    m_desk->next = m_desk->orders;
    trouble before = trouble::none;
    if (m_desk->how.compare_exchange_strong(before, how))
        m_desk->what.set(what);
}

void crew::carry_out(const moves_wanted& order, answer& to)
{
    m_world.load(order.state);
    const std::vector<explored_world::move> moves = m_world.moves();
    if (!moves.empty())
        refuse_above_last_mover(moves.back());
    const auto is_wanted = [&](explored_world::move m) {
        for (explored_world::move last = 0; last <= last_mover; ++last)
            if ((order.last_s >> last & 1) != 0 && !is_switch(moves, last, m))
                return true;
        return order.any;
    };
    to.moves = static_cast<std::uint8_t>(moves.size());
    to.says.set({});
    bool has_said = false;
    for (std::size_t i = 0; i < moves.size(); ++i) {
        to.movers[i] = static_cast<std::uint8_t>(moves[i]);
        to.results[i] = {};
        if ((order.made >> i & 1) != 0 || !is_wanted(moves[i]))
            continue;
        const explored_world::step_result made = m_world.make(moves[i]);
        m_world.back();
        refuse_above_last_mover(made.last);
        to.results[i] = {made.state, made.flaws, made.last, true, made.ended, made.suspicious};
        if (!made.what.empty() && !std::exchange(has_said, true)) {
            to.whose = static_cast<std::uint8_t>(i);
            to.says.set(made.what);
        }
    }
}

const moves_made& crew::of(std::size_t n)
{
    const answer& from = m_desk->answers[n];
    m_read.moves.assign(from.movers.begin(), from.movers.begin() + from.moves);
    m_read.results.assign(from.results.begin(), from.results.begin() + from.moves);
    m_read.whose = from.whose;
    m_read.says = from.says.get();
    return m_read;
}

} // namespace mkclean
