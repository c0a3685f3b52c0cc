#pragma once

#include "tb/tests/random_settings.h"

#include <string>

namespace mkclean
{

/// What must be zero, and is not; "" if all is well.
inline std::string complaints(const json& stats)
{
    std::string text;
    const auto expect_zero = [&](const char* pointer) {
        const auto value = stats.at(json::json_pointer(pointer)).get<std::uint64_t>();
        if (value != 0)
            text += std::string(" ") + pointer + "=" + std::to_string(value);
    };
    for (const char* pointer :
         {"/verdict/lost_bytes", "/verdict/fsync_lies", "/verdict/stale_reads",
          "/verdict/invented_bytes", "/verdict/accounting_skew", "/verdict/livelocks",
          "/invariants/I1", "/invariants/I2", "/invariants/I3", "/invariants/I4", "/invariants/I5",
          "/invariants/I6", "/invariants/I7", "/workload/bad_private_bytes",
          "/workload/bad_anonymous_bytes", "/workload/failed_calls"})
        expect_zero(pointer);
    const auto ended = stats["verdict"]["ended"].get<std::string>();
    if (ended != "finished" && ended != "power_cut")
        text += " ended=" + ended;
    return text;
}

/// "" if the slow model of time comes to the same statistics, byte for byte.
inline std::string differences_by_time(const settings& given, json fast)
{
    json slow = run(with(given, "time.sync", "every_access"));
    for (json* stats : {&fast, &slow})
        (*stats)["config"].erase("time.sync");
    return fast.dump() == slow.dump() ? "" : " differs from time.sync=every_access";
}

} // namespace mkclean
