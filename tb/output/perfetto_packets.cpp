#include "tb/output/perfetto_packets.h"

#include <protozero/pbf_writer.hpp>

#include <utility>

namespace mkclean
{

namespace
{

// Field numbers of protos/perfetto/trace/{trace_packet,track_event/*,interned_data/*}.proto.
namespace trace
{
constexpr protozero::pbf_tag_type packet = 1;
} // namespace trace
namespace packet
{
constexpr protozero::pbf_tag_type timestamp = 8;
constexpr protozero::pbf_tag_type trusted_packet_sequence_id = 10;
constexpr protozero::pbf_tag_type track_event = 11;
constexpr protozero::pbf_tag_type interned_data = 12;
constexpr protozero::pbf_tag_type sequence_flags = 13;
constexpr protozero::pbf_tag_type track_descriptor = 60;
} // namespace packet
namespace descriptor
{
constexpr protozero::pbf_tag_type uuid = 1;
constexpr protozero::pbf_tag_type name = 2;
constexpr protozero::pbf_tag_type parent_uuid = 5;
constexpr protozero::pbf_tag_type counter = 8;
constexpr protozero::pbf_tag_type child_ordering = 11;
constexpr protozero::pbf_tag_type sibling_order_rank = 12;
constexpr std::int32_t explicit_order = 3;
} // namespace descriptor
namespace event
{
constexpr protozero::pbf_tag_type debug_annotations = 4;
constexpr protozero::pbf_tag_type type = 9;
constexpr protozero::pbf_tag_type name_iid = 10;
constexpr protozero::pbf_tag_type track_uuid = 11;
constexpr protozero::pbf_tag_type double_counter_value = 44;
constexpr protozero::pbf_tag_type flow_ids = 47;
constexpr protozero::pbf_tag_type terminating_flow_ids = 48;
constexpr std::uint64_t slice_begin = 1;
constexpr std::uint64_t slice_end = 2;
constexpr std::uint64_t instant = 3;
constexpr std::uint64_t counter = 4;
} // namespace event
namespace interned
{
constexpr protozero::pbf_tag_type event_names = 2;
constexpr protozero::pbf_tag_type iid = 1;
constexpr protozero::pbf_tag_type name = 2;
} // namespace interned
namespace annotation
{
constexpr protozero::pbf_tag_type string_value = 6;
constexpr protozero::pbf_tag_type name = 10;
} // namespace annotation

constexpr std::uint32_t only_sequence = 1;
constexpr std::uint32_t incremental_state_cleared = 1;
constexpr std::uint32_t needs_incremental_state = 2;
constexpr std::size_t worth_writing = 1U << 20; // bytes

} // namespace

perfetto_packets::perfetto_packets(std::function<void(std::string_view)> write)
    : m_write(std::move(write))
{
}

void perfetto_packets::describe(const track_description& t)
{
    std::string data;
    protozero::pbf_writer writer(data);
    {
        protozero::pbf_writer d(writer, packet::track_descriptor);
        d.add_uint64(descriptor::uuid, t.uuid);
        d.add_string(descriptor::name, t.name);
        if (t.parent != 0)
            d.add_uint64(descriptor::parent_uuid, t.parent);
        if (t.is_counter)
            d.add_message(descriptor::counter, std::string());
        d.add_int32(descriptor::child_ordering, descriptor::explicit_order);
        d.add_int32(descriptor::sibling_order_rank, static_cast<std::int32_t>(t.rank));
    }
    writer.add_uint32(packet::trusted_packet_sequence_id, only_sequence);
    add(data);
}

void perfetto_packets::begin_slice(std::uint64_t on_track, std::uint64_t when,
                                   std::string_view name)
{
    put({event::slice_begin, on_track, when, name, nullptr, nullptr});
}

void perfetto_packets::end_slice(std::uint64_t on_track, std::uint64_t when)
{
    put({event::slice_end, on_track, when, {}, nullptr, nullptr});
}

void perfetto_packets::instant(std::uint64_t on_track, std::uint64_t when, std::string_view name,
                               const links& linked)
{
    put({event::instant, on_track, when, name, &linked, nullptr});
}

void perfetto_packets::counter(std::uint64_t on_track, std::uint64_t when, double value)
{
    put({event::counter, on_track, when, {}, nullptr, &value});
}

std::uint64_t perfetto_packets::name_id(std::string_view name, std::string& interned)
{
    const auto [known, is_new] = m_names.try_emplace(std::string(name), m_names.size() + 1);
    if (is_new) {
        protozero::pbf_writer all(interned);
        protozero::pbf_writer one(all, interned::event_names);
        one.add_uint64(interned::iid, known->second);
        one.add_string(interned::name, name.data(), name.size());
    }
    return known->second;
}

void perfetto_packets::put(const track_event& e)
{
    std::string names;
    std::string body;
    protozero::pbf_writer writer(body);
    if (e.linked != nullptr && !e.linked->on.empty()) {
        protozero::pbf_writer a(writer, event::debug_annotations);
        a.add_string(annotation::string_value, e.linked->on);
        a.add_string(annotation::name, "on");
    }
    writer.add_uint64(event::type, e.type);
    if (!e.name.empty())
        writer.add_uint64(event::name_iid, name_id(e.name, names));
    writer.add_uint64(event::track_uuid, e.track);
    if (e.value != nullptr)
        writer.add_double(event::double_counter_value, *e.value);
    if (e.linked != nullptr) {
        for (const std::uint64_t flow : e.linked->begin)
            writer.add_fixed64(event::flow_ids, flow);
        for (const std::uint64_t flow : e.linked->end)
            writer.add_fixed64(event::terminating_flow_ids, flow);
    }

    std::string data;
    protozero::pbf_writer p(data);
    p.add_uint64(packet::timestamp, e.when);
    p.add_uint32(packet::trusted_packet_sequence_id, only_sequence);
    p.add_message(packet::track_event, body);
    if (!names.empty())
        p.add_message(packet::interned_data, names);
    p.add_uint32(packet::sequence_flags,
                 m_first ? incremental_state_cleared : needs_incremental_state);
    m_first = false;
    add(data);
}

void perfetto_packets::add(const std::string& packet)
{
    protozero::pbf_writer all(m_gathered);
    all.add_message(trace::packet, packet);
    if (m_gathered.size() > worth_writing)
        flush();
}

void perfetto_packets::flush()
{
    m_write(m_gathered);
    m_gathered.clear();
}

} // namespace mkclean
