#include "sim/actor.h"

#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace mkclean;

namespace
{

struct recorder final : event_sink {
    void on_event(const event& e) override { events.push_back(e); }
    std::vector<event> events;
};

struct register_64 {
    std::uint64_t value = 0;
    std::uint64_t raw() const { return value; }
};

/// An actor that has a clock and nothing to wait for; it says what it was asked.
class clockwork final : public actor
{
public:
    clockwork(event_log& log, const costs& cost) : actor(log, cost), m_id(log.add_actor("box", "w"))
    {
    }
    void spend(cycles duration) override
    {
        m_now += picoseconds(duration.raw());
        said += "spend " + std::to_string(duration.raw()) + "; ";
    }
    using actor::spend;
    void elapse(picoseconds duration) override { m_now += duration; }
    void sync() override
    {
        said += "sync; ";
        if (while_syncing)
            while_syncing();
    }
    void block_on(wait_queue&) override { said += "block; "; }
    bool block_on(wait_queue&, picoseconds) override { return false; }
    void spin_on(wait_queue&) override { said += "spin; "; }
    picoseconds now() const override { return m_now; }
    actor_id id() const override { return m_id; }

    std::string said;
    std::function<void()> while_syncing;

private:
    actor_id m_id;
    picoseconds m_now;
};

const step_site sets_tag{"sets tag", place::tag};

} // namespace

TEST_CASE("every sink sees every event, in order, none is there: nobody listens")
{
    event_log log;
    CHECK_FALSE(log.listening());
    recorder first;
    recorder second;
    log.attach(first);
    CHECK(log.listening());
    event e;
    e.site = &sets_tag;
    e.before = 1;
    log.emit(e);
    log.attach(second); // sees what comes from now on
    e.before = 2;
    log.emit(e);
    REQUIRE(first.events.size() == 2);
    CHECK(first.events[0].before == 1);
    CHECK(first.events[1].before == 2);
    REQUIRE(second.events.size() == 1);
    CHECK(second.events[0].before == 2);
}

TEST_CASE("an actor's number leads back to its name")
{
    event_log log;
    for (unsigned i = 0; i < 300; ++i)
        CHECK(log.add_actor("core" + std::to_string(i), "t" + std::to_string(i)) == i);
    CHECK(log.name_of(299).where == "core299");
    CHECK(log.name_of(0).who == "t0");
    CHECK_THROWS_AS(log.name_of(300), std::out_of_range);
}

TEST_CASE("a subject is about a page once it names an inode")
{
    subject what;
    CHECK_FALSE(what.is_page());
    CHECK(what.block == subject::no_block);
    what.frame = frame_number(3);
    CHECK_FALSE(what.is_page());
    what.ino = inode_number(1);
    CHECK(what.is_page());
}

TEST_CASE("a step is charged, synchronised, done, logged, in this order")
{
    event_log log;
    recorder seen;
    log.attach(seen);
    costs c;
    c.tree_op = 7;
    clockwork self(log, c);
    register_64 word;
    // Somebody else may act while time is synchronised: that is not part of the step.
    self.while_syncing = [&] { word.value = 40; };
    subject what;
    what.page = page_index(9);
    const int result = self.step(sets_tag, what, word, [&] {
        self.said += "action";
        CHECK(seen.events.empty());
        word.value += 2;
        return 17;
    });
    CHECK(result == 17);
    CHECK(self.said == "spend 7; sync; action");
    REQUIRE(seen.events.size() == 1);
    const event& e = seen.events[0];
    CHECK(e.time == picoseconds(7));
    CHECK(e.actor == self.id());
    CHECK(e.site == &sets_tag);
    CHECK(e.what.page == page_index(9));
    CHECK(e.before == 40);
    CHECK(e.after == 42);

    self.step(sets_tag, what, word, [&] { word.value = 1; }); // returns nothing
    CHECK(seen.events.size() == 2);
    CHECK(seen.events[1].after == 1);
}

TEST_CASE("an action that throws changes no log")
{
    event_log log;
    recorder seen;
    log.attach(seen);
    const costs c;
    clockwork self(log, c);
    const register_64 word;
    CHECK_THROWS_AS(self.step(sets_tag, subject(), word, [] { throw 1; }), int);
    CHECK(seen.events.empty());
}

TEST_CASE("who waits for what is so already does not wait")
{
    event_log log;
    const costs c;
    clockwork self(log, c);
    wait_queue queue;
    self.block_until(queue, [] { return true; });
    self.spin_until(queue, [] { return true; });
    CHECK(self.said == "sync; sync; "); // but looks at the world of its own time

    self.said.clear();
    unsigned looks = 0;
    self.block_until(queue, [&] { return ++looks == 3; }); // looks again each time it is woken
    CHECK(self.said == "sync; block; block; ");
}
