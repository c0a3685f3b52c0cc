#pragma once

#include "sim/option_set.h"
#include "tb/config_file.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iosfwd>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mkclean
{

namespace exit_code
{
constexpr int as_expected = 0;
constexpr int not_as_expected = 1;
constexpr int bad_input = 2;   ///< usage, config or input; one line on stderr
constexpr int file_failed = 3; ///< a file could not be read or written
constexpr int internal = 70;   ///< the emulator broke its own invariant
constexpr int interrupted = 130;
} // namespace exit_code

/// What one exit code says.
struct exit_code_meaning {
    int code;
    const char* meaning; ///< in a few words
    const char* more;    ///< what in particular; a sentence
};

/// All that there are, the best first.
const std::vector<exit_code_meaning>& exit_code_meanings();

/// A file could not be read or written; the program ends with exit code 3.
class file_error : public std::runtime_error
{
public:
    /// what() is "cannot read 'path': reason", the action being "read" or "write".
    file_error(const std::string& action, const std::string& path, const std::string& reason);

    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

/// A file that appears under its name complete or not at all: it is written under a temporary name
/// beside it, and renamed by commit(). Without commit() nothing is left.
/// "-" is the standard output. What is not a regular file (a pipe, /dev/null) is written directly.
class output_file
{
public:
    /// Opens the file at once, so that a path that cannot be written fails before hours of work.
    /// `standard_output` must outlive the file. Error: file_error.
    output_file(const std::string& path, std::ostream& standard_output);
    ~output_file();
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;

    /// Error: file_error.
    void write(std::string_view text);
    /// Gives the file its name; nothing can be written afterwards. Error: file_error.
    void commit();

private:
    void open();

    std::string m_path;
    std::string m_temporary; // empty: nothing to rename
    std::ostream* m_standard_output;
    std::FILE* m_file = nullptr;
};

/// The words behind a verb, sorted.
struct arguments {
    std::string verb;
    std::vector<std::string> operands; ///< what is no option: configs, names
    std::vector<setting> own;          ///< the verb's own options, in the order given
    std::vector<setting> model;        ///< the model's
};

/// What the words behind a verb name, as far as a shell can complete them.
enum class operand_kind { nothing, config, file, option, exhibit, listed };

/// One thing the program does.
struct verb {
    std::string name;
    std::string operands; ///< as the help shows them, such as "CONFIG..."; "" for none
    operand_kind kind = operand_kind::nothing; ///< of the operands
    std::vector<std::string> listed;           ///< those there are, if they are listed
    std::string help;                          ///< one line
    std::string more;                          ///< lines behind its options; or ""
    std::size_t least_operands = 0;
    std::size_t most_operands = std::numeric_limits<std::size_t>::max();
    bool takes_model_options = true;
    option_set own; ///< the options that only this verb has
    /// Called once `own` is set; the model's options are the verb's to apply, with configure().
    /// Returns the exit code.
    std::function<int(const arguments&)> run;
};

/// All that the command line can ask for.
struct program {
    std::string summary; ///< one line
    std::string version;
    std::vector<verb> verbs;
    const option_set& model;
};

/// Sorts the words behind a verb. `--name value` and `--name=value` are the same; `--name=` is an
/// empty value; a value that itself begins with "--" needs the "=". A flag alone is on, and takes
/// the next word only if that is one of on, off, yes, no, true, false, 1, 0. Behind a lone "--"
/// everything is an operand. Names must be complete. The environment is never read.
/// Error: input_error for an unknown option, a missing value, an option given twice that is not
/// repeatable. The values are not looked at.
arguments parse_arguments(const std::vector<std::string>& words, const option_set& own,
                          const option_set& model);

std::string help_text(const program& about);
std::string help_text(const verb& about);
/// The verb's operands behind its name, " [CONFIG...]", or "" if there are none.
std::string operands_shown(const verb& about);
/// What stands behind the name of an option of the command line, " FILE"; "" for a flag.
std::string value_shown(const option_info& about);
/// What an option of the command line means, whether it may be repeated, its default.
std::string help_of(const option_info& about);

/// Whether a verb is asked to write JSON to the standard output: its own flag `json` is on, or its
/// own path `json` or `stats` is "-". Whatever else is wrong with the words.
bool asks_for_json(const std::vector<std::string>& words, const program& known);

/// Does what `words` (without the program's name) ask for and returns the exit code. An error
/// becomes one line on `err`, and where `out` was to be JSON an object there (tb/failure.h).
int run_command_line(const std::vector<std::string>& words, program& known, std::ostream& out,
                     std::ostream& err);

/// `--json` is `--stats -`, for verbs that have both. Error: input_error if both are given.
void let_json_be_stats(bool json, std::string& stats);

/// The own options of `run`.
struct run_options {
    enum class executor_choice { systemc, fibers };

    std::string stats;
    bool json = false; ///< stats to the standard output
    std::string csv;
    std::string log;
    std::string vcd;
    std::string trace;
    std::string report;
    std::uint64_t report_events = 1'000'000; ///< in the report, at most
    std::string schedule;
    std::uint64_t vcd_page = 0;
    bool quiet = false;
    bool biography = false;
    executor_choice executor = executor_choice::systemc;
    std::vector<std::string> vary;
    std::uint64_t jobs = processors();

    /// Binds the options to this object, which must then stay where it is.
    void declare(option_set& own);

    /// How many processors the system offers, 1..256.
    static std::uint64_t processors();
};

} // namespace mkclean
