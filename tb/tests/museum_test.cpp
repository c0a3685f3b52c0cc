// The exhibits of configs/museum: with the bug there is an order that shows it, and with the fix
// none of the same orders shows anything.

#include "tb/museum/catalogue.h"
#include "tb/tests/run_config.h"
#include "tb/tests/temporary_directory.h"
#include "tb/verb_museum.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

using namespace mkclean;
using testing::configured;

namespace
{

const std::string museum = MKCLEAN_SOURCE_DIR "/configs/museum";

std::string text_of(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void check(const std::string& name)
{
    const exhibit_verdict v = judge_exhibit(museum + "/" + name + ".cfg");
    INFO(v.text());
    CHECK(v.broken.found.has(v.shows));
    CHECK(v.mended.found.text() == "nothing is wrong");
    CHECK(v.mended.orders > 0);
}

struct said {
    int code;
    std::string out, err;
};

said run(const std::vector<std::string>& words)
{
    config c;
    option_set model;
    c.declare(model);
    std::ostringstream out;
    std::ostringstream err;
    museum_verb_options options;
    program known{"", "", {museum_verb(options, out, err)}, model};
    const int code = run_command_line(words, known, out, err);
    return {code, out.str(), err.str()};
}

} // namespace

// ---- the exhibits -------------------------------------------------------------------------------

TEST_CASE("museum: try_to_free_buffers loses a page that was dirtied while it was at it")
{
    check("try-to-free-buffers");
}

TEST_CASE("museum: buffers that are attached to a page which is being dirtied are clean")
{
    check("create-empty-buffers");
}

TEST_CASE("museum: a sync that stops at nr_to_write lies" * doctest::test_suite("long"))
{
    check("sync-nr-to-write");
}

TEST_CASE("museum: a sync without a snapshot runs after somebody who appends" *
          doctest::test_suite("long"))
{
    check("sync-livelock");
}

TEST_CASE("museum: migration forgets what a PTE knows")
{
    check("migrate-dirty");
}

TEST_CASE("museum: what a zap says of a page is written before the last store" *
          doctest::test_suite("long"))
{
    check("zap-dirty-before-flush");
}

TEST_CASE("museum: a cyclic pass that does not go round")
{
    check("cyclic-half");
}

TEST_CASE("museum: a page that is put back falls out of a sync's snapshot" *
          doctest::test_suite("long"))
{
    check("towrite-cleared");
}

TEST_CASE("museum: a program is not throttled where ->page_mkwrite dirties its pages")
{
    check("mkwrite-unthrottled");
}

TEST_CASE("museum: an inode with a dirty page that is on no list")
{
    check("inode-clean");
    const configured older("museum/inode-clean.cfg", {{"vm.inode_clean", "linux-2.6.18"}});
    CHECK(try_orders(older.get(), {}).broken == 0);
}

TEST_CASE("museum: a page is truncated between PG_dirty and its being counted")
{
    check("truncate-accounting");
}

TEST_CASE("museum: a page that ->invalidatepage dirties stays counted")
{
    check("cancel-dirty-page");
    const configured older("museum/cancel-dirty-page.cfg",
                           {{"vm.truncate_complete_page", "linux-2.6.18"}});
    CHECK(try_orders(older.get(), {}).broken == 0);
}

TEST_CASE("museum: somebody else's fsync takes the error" * doctest::test_suite("long"))
{
    check("fsyncgate");
}

TEST_CASE("museum: a store between the checksum and the data")
{
    check("unstable-pages");
}

TEST_CASE("museum: what ->page_mkwrite has reserved is used up before the page is dirty")
{
    check("mkwrite-window");
}

TEST_CASE("museum: a file grows over blocks of a writable page")
{
    check("isize-extended");
}

TEST_CASE("museum: a device stores to a page that was cleaned since")
{
    check("dma-after-clean");
}

TEST_CASE("museum: a device's page is dirtied without room for it")
{
    check("dma-without-room");
}

TEST_CASE("museum: page_mkclean looks while a PTE is absent for an instant")
{
    check("mkclean-peek");
}

TEST_CASE("museum: a store through a TLB that is flushed after the page was unmapped and cleaned")
{
    check("zap-before-flush");
}

TEST_CASE("museum: the reverse map says unmapped while a TLB still maps")
{
    check("rmap-removed-before-flush");
}

TEST_CASE("museum: a store to where a page was before mremap")
{
    check("mremap-flush-late");
}

TEST_CASE("museum: madvise returns although another thread has still to flush")
{
    check("parallel-madvise");
}

TEST_CASE("museum: 2.6.19 throws away what page_mkclean has found")
{
    check("clear-page-dirty-for-io");
}

TEST_CASE("museum: 2.6.20's write fault and a cleaner pass each other by")
{
    check("fixme-race");
}

TEST_CASE("museum: reclaim takes clean buffers and with them what the PTEs knew")
{
    check("pagevec-strip");
}

TEST_CASE("museum: a page of which a part was read is dirty for its storage key")
{
    check("storage-key");
}

TEST_CASE("museum: munmap does not flush what reclaim has put off")
{
    check("reclaim-batched");
}

TEST_CASE("museum: a PMD stays writable and dirty through an fsync")
{
    check("dax-pmd");
}

TEST_CASE("museum: a PMD goes and its dirty bit with it")
{
    check("split-huge-pmd");
}

TEST_CASE("museum: a write-protected page is stored to through a TLB")
{
    check("kvm-dirty-log-unflushed");
}

TEST_CASE("museum: an invlpg leaves the second level of the TLB")
{
    check("invlpg-first-level");
}

TEST_CASE("museum: a store is on its way when its translation's flush is acknowledged")
{
    check("ack-before-drain");
    check("tlbie-before-stores");
}

TEST_CASE("museum: a walker sets D without looking whether the PTE is still there")
{
    check("d-without-recheck");
    check("knl-stray-d");
}

TEST_CASE("museum: a buffer is taken to be dirty by who has looked before its bytes arrived" *
          doctest::test_suite("long"))
{
    check("mark-buffer-dirty");
}

TEST_CASE("museum: the reverse map does not find what remap_file_pages has moved")
{
    check("nonlinear-mapping");
}

// ---- the house ----------------------------------------------------------------------------------

TEST_CASE("museum: every exhibit has a test")
{
    const std::string tests = text_of(MKCLEAN_SOURCE_DIR "/tb/tests/museum_test.cpp");
    for (const exhibit_card& card : read_catalogue(museum)) {
        CAPTURE(card.name);
        CHECK(tests.find("check(\"" + card.name + "\")") != std::string::npos);
    }
}

TEST_CASE("museum: an exhibit names the option that its fix changes")
{
    for (const exhibit_card& card : read_catalogue(museum)) {
        const exhibit broken(card.path, exhibit::state::broken);
        CHECK(!card.fix.empty());
        for (const exhibit_card::change& c : card.fix) {
            CAPTURE(card.name);
            CAPTURE(c.option);
            CHECK(broken.options().was_set(c.option));
            CHECK(c.broken != c.mended);
        }
    }
}

TEST_CASE("docs/museum.md is what museum --markdown prints")
{
    const said page = run({"museum", "--markdown", "--directory", museum});
    CHECK(page.code == exit_code::as_expected);
    CHECK(page.out == text_of(MKCLEAN_SOURCE_DIR "/docs/museum.md"));
}

TEST_CASE("museum lists the exhibits and tells the story of one")
{
    const said list = run({"museum", "--directory", museum});
    CHECK(list.code == exit_code::as_expected);
    for (const exhibit_card& card : read_catalogue(museum))
        CHECK(list.out.find("\n" + card.name + " ") != std::string::npos);

    const said one = run({"museum", "zap-before-flush", "--directory", museum});
    CHECK(one.code == exit_code::as_expected);
    CHECK(one.out.find("bytes are lost, in order ") != std::string::npos);
    CHECK(one.out.find("<- lost") != std::string::npos);
    CHECK(one.out.find("nothing goes wrong in any of ") != std::string::npos);
}

TEST_CASE("museum says in one line what it cannot do")
{
    const said unknown = run({"museum", "zap-before-flash", "--directory", museum});
    CHECK(unknown.code == exit_code::bad_input);
    CHECK(unknown.err ==
          "no exhibit is called 'zap-before-flash'; did you mean 'zap-before-flush'?\n");
    CHECK(run({"museum", "fsyncgate", "--all", "--directory", museum}).code ==
          exit_code::bad_input);
    CHECK(run({"museum", "--directory", museum + "/nowhere"}).code == exit_code::bad_input);

    const temporary_directory empty;
    const said none = run({"museum", "--directory", empty.path(".")});
    CHECK(none.code == exit_code::bad_input);
    CHECK(none.err == empty.path(".") + ": there are no exhibits\n");
}

TEST_CASE("museum: an exhibit that does not behave as stated is exit code 1")
{
    const temporary_directory here;
    here.write("harmless.cfg", "use = " + museum +
                                   "/cancel-dirty-page.cfg\n"
                                   "vm.truncate_complete_page = linux-2.6.18\n");
    const said one = run({"museum", "harmless", "--directory", here.path(".")});
    CHECK(one.code == exit_code::not_as_expected);
    CHECK(one.out.find(
              "expected that dirty pages are miscounted, but in 1 orders nothing is wrong") !=
          std::string::npos);
}

TEST_CASE("museum --all runs every exhibit and says which does not behave as stated")
{
    const temporary_directory here;
    for (const char* const name : {"cyclic-half", "isize-extended"})
        here.write(std::string(name) + ".cfg", "use = " + museum + "/" + name + ".cfg\n");
    const auto all = [&] {
        const std::string command = MKCLEAN_BINARY_DIR
                                    "/mkclean museum --all --jobs 2 --directory " +
                                    here.path(".") + "; echo exit $?";
        std::FILE* const pipe = popen(command.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::string text;
        for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
            text += static_cast<char>(c);
        CHECK(pclose(pipe) == 0);
        return text;
    };
    CHECK(all() == "cyclic-half     a program is surprised in order 1; mended, nothing in 1\n"
                   "isize-extended  bytes are lost in order 1; mended, nothing in 1\n"
                   "exit 0\n");
    here.write("cyclic-half.cfg", "use = " + museum +
                                      "/cyclic-half.cfg\n"
                                      "vm.write_cache_pages = golden\n");
    const std::string harmless = all();
    CHECK(harmless.find("cyclic-half     NOT AS STATED: ") == 0);
    CHECK(harmless.find("exit 1\n") != std::string::npos);
}

TEST_CASE("museum: a config's [museum] section is complete or an error")
{
    const auto complaint = [](const std::string& section) -> std::string {
        const temporary_directory here;
        const std::string path = here.write("x.cfg", "[museum]\n" + section);
        try {
            const exhibit made(path, exhibit::state::mended);
        } catch (const input_error& error) {
            const std::string what = error.what();
            return what.substr(what.find("x.cfg"));
        }
        return "";
    };
    const std::string all =
        "title = t\nyear = 2009\ncommit = a\nfixed_by = b\nstory = s\nshows = lie\n";
    CHECK(complaint("") == "x.cfg: is no exhibit: it has no museum.title");
    CHECK(complaint("title = t\n") == "x.cfg:2: museum.title: an exhibit needs museum.commit");
    CHECK(complaint(all) == "x.cfg:2: museum.title: an exhibit needs museum.fixed");
    CHECK(complaint(all + "fixed = cores=2\n") == "");
    CHECK(complaint(all + "fixed = cores\n") ==
          "x.cfg:8: museum.fixed: expected OPTION=VALUE, got 'cores'");
    CHECK(complaint(all + "fixed = museum.year=2\n") ==
          "x.cfg:8: museum.fixed: expected an option of the machine, got 'museum.year'");
    CHECK(complaint(all + "fixed = coers=2\n").find("did you mean 'cores'?") != std::string::npos);
    CHECK(complaint(all + "fixed = cores=2\nstall = a b c d e\n") ==
          "x.cfg:9: museum.stall: expected four threads at most");
}

TEST_CASE("museum: a thread to stand still that is not there is an error")
{
    const configured wrong("museum/fsyncgate.cfg", {{"museum.stall", "a c"}});
    CHECK_THROWS_WITH_AS(try_orders(wrong.get(), {}),
                         "--museum.stall: no thread is called 'c' in this run", input_error);
}

TEST_CASE("museum: a thread stands still before the turn that it was told")
{
    const configured unflushed("museum/kvm-dirty-log-unflushed.cfg");
    constexpr picoseconds a_while(50'000'000'000);
    const auto when_it_stored = [&](const std::vector<stall>& stalls) {
        picoseconds when;
        run_in_order(
            unflushed.get(), stalls, [](world&) {},
            [&](world& w) { when = w.judge()->result().first_loss->store->time(); });
        return when;
    };
    const auto turns = run_in_order(
        unflushed.get(), {}, [](world&) {}, [](world&) {});
    REQUIRE(turns.size() == 1);
    CHECK(turns.front() > 1);
    const exhibit_result all = try_orders(unflushed.get(), {});
    CHECK(all.orders > turns.front()); // that of time, too
    REQUIRE(all.broken > 0);
    REQUIRE(all.first.size() == 1);
    CHECK(when_it_stored(all.first) > a_while);
    CHECK(text_of_order(all.first).find("storer stands still before its turn ") == 0);
}

// ---- what else the policies of the museum do ----------------------------------------------------

TEST_CASE("museum: random programs that cut their files off lose nothing else by it")
{
    for (int seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const configured random(
            "random.cfg",
            {{"fs.type", "ext2"}, {"fs.files_shrink", "on"}, {"seed", std::to_string(seed)}});
        random.run([](world& w) {
            const verdict& v = w.judge()->result();
            CHECK(v.lost_bytes == 0);
            CHECK(v.fsync_lies == 0);
            CHECK(v.invented_bytes == 0);
            CHECK(w.invariants().all_hold());
        });
    }
}

TEST_CASE("museum: random programs find nothing where ->page_mkwrite reserves and stays locked")
{
    for (int seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        const configured random("random.cfg", {{"fs.type", "ext2"},
                                               {"fs.reserves_blocks", "on"},
                                               {"vm.page_mkwrite", "locked"},
                                               {"vm.inode_clean", "linux-3.19"},
                                               {"seed", std::to_string(seed)}});
        random.run([](world& w) { CHECK(!promise_broken(w)); });
    }
}
