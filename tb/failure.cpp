#include "tb/failure.h"
#include "sim/option_set.h"
#include "tb/command_line.h"

#include <filesystem>
#include <new>

#include <nlohmann/json.hpp>

namespace mkclean
{
namespace
{

failure with_line(int code, const std::string& line)
{
    failure why;
    why.code = code;
    why.line = line;
    why.message = line;
    return why;
}

failure of_input(const input_error& error)
{
    failure why = with_line(exit_code::bad_input, error.what());
    why.message = without_suggestion(error.message());
    why.option = error.option();
    why.where = printable(describe(error.where()));
    if (why.message.size() < error.message().size())
        why.hint = error.message().substr(why.message.size() + std::string("; ").size());
    return why;
}

failure of_file(const std::string& line, const std::string& path)
{
    failure why = with_line(exit_code::file_failed, printable(line));
    why.where = printable(path);
    return why;
}

} // namespace

failure failure_of(const std::exception_ptr& thrown)
{
    try {
        std::rethrow_exception(thrown);
    } catch (const input_error& error) {
        return of_input(error);
    } catch (const file_error& error) {
        return of_file(error.what(), error.path());
    } catch (const std::filesystem::filesystem_error& error) {
        return of_file(error.what(), error.path1().string());
    } catch (const std::bad_alloc&) {
        return with_line(exit_code::internal, "this host has not enough memory for that");
    } catch (const std::exception& error) {
        return with_line(exit_code::internal, "internal error: " + printable(error.what()));
    } catch (...) {
        return with_line(exit_code::internal,
                         "internal error: something was thrown that is no exception");
    }
}

nlohmann::ordered_json failure_json(const failure& why)
{
    nlohmann::ordered_json error = {{"code", why.code}, {"message", why.message}};
    if (!why.option.empty())
        error["option"] = why.option;
    if (!why.where.empty())
        error["where"] = why.where;
    if (!why.hint.empty())
        error["hint"] = why.hint;
    return {{"error", error}};
}

} // namespace mkclean
