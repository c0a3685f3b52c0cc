#pragma once

#include "sim/input_error.h"
#include "tb/workload/script_parser.h"
#include "tb/world.h"

#include <memory>

namespace mkclean
{

/// Runs a script (the language: script_parser.h). Two runs of one script are the same to the byte.
///
/// Error, thrown from the run: input_error for a mapping that is used but not there, or cannot be
/// made, and for threads that wait for each other, each at a meeting of its own.
class script final : public workload
{
public:
    explicit script(script_program program);
    ~script() override;

    std::vector<std::uint64_t> files() const override;
    void start(world& w) override;
    std::vector<counter> report() const override;
    bool begun() const override { return m_begun; }
    std::uint64_t failed_expectations() const override { return m_counts.failed_expectations; }

private:
    class runner;
    struct mapping {
        virtual_address start;
        std::uint64_t length = 0; ///< bytes; 0: not mapped
        bool of_several = false;  ///< threads that name the variable
    };
    struct meeting {
        std::size_t expected = 0; ///< threads
        std::size_t here = 0;
        std::uint64_t round = 0;
        wait_queue waiting;
    };
    struct counts {
        std::uint64_t operations = 0;
        std::uint64_t expectations = 0;
        std::uint64_t failed_expectations = 0;
        std::uint64_t failed_calls = 0; ///< system calls that returned an error, or did too little
        std::uint64_t late = 0;         ///< `until`s whose instant had passed
    };

    script_program m_program;
    world* m_world = nullptr;
    std::vector<mapping> m_mappings; ///< one a variable
    std::vector<meeting> m_meetings;
    std::size_t m_running = 0;       ///< threads that have not ended
    std::size_t m_waiting = 0;       ///< of them, at a meeting
    std::size_t m_explored_from = 0; ///< the meeting after which orders matter
    std::size_t m_lined_up = 0;      ///< threads that are there to be explored
    bool m_begun = false;
    counts m_counts;
};

/// Reads the script that a config names; `asked_by` is blamed if it cannot be read. Error: as in
/// read_text_file() and parse_script().
script_program read_script(const config& c, const origin& asked_by);

/// The workload of a config whose kind it is. Error: as in read_script().
std::unique_ptr<workload> make_script(const config& c);

} // namespace mkclean
