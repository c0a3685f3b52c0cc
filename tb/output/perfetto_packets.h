#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mkclean
{

/// Writes TracePackets. Names are sent once and referred to afterwards.
class perfetto_packets
{
public:
    explicit perfetto_packets(std::function<void(std::string_view)> write);

    struct track_description {
        std::uint64_t uuid;
        std::uint64_t parent = 0; ///< 0: none
        std::string name;
        unsigned rank = 0; ///< among its siblings
        bool is_counter = false;
    };
    void describe(const track_description& t);

    void begin_slice(std::uint64_t on_track, std::uint64_t when, std::string_view name);
    void end_slice(std::uint64_t on_track, std::uint64_t when);
    /// What it is done to, and the numbers of the flows that begin there and end there.
    struct links {
        std::string on;
        std::vector<std::uint64_t> begin;
        std::vector<std::uint64_t> end;
    };
    void instant(std::uint64_t on_track, std::uint64_t when, std::string_view name,
                 const links& linked);
    void counter(std::uint64_t on_track, std::uint64_t when, double value);
    /// Hands over what has been gathered.
    void flush();

private:
    struct track_event {
        std::uint64_t type;
        std::uint64_t track; ///< its number
        std::uint64_t when;
        std::string_view name;
        const links* linked = nullptr;
        const double* value = nullptr;
    };
    void put(const track_event& e);
    std::uint64_t name_id(std::string_view name, std::string& interned);
    void add(const std::string& packet);

    std::function<void(std::string_view)> m_write;
    std::unordered_map<std::string, std::uint64_t> m_names;
    std::string m_gathered;
    bool m_first = true;
};

} // namespace mkclean
