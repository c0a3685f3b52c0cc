#pragma once

#include "tb/tests/run_settings.h"

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>

namespace mkclean
{

/// Draws settings, the same on any machine.
class dice
{
public:
    explicit dice(std::uint64_t seed) : m_random(seed) {}
    std::string number(std::uint64_t lowest, std::uint64_t highest, const std::string& unit = "")
    {
        boost::random::uniform_int_distribution<std::uint64_t> any(lowest, highest);
        return std::to_string(any(m_random)) + unit;
    }
    std::string one_of(const std::vector<std::string>& words)
    {
        boost::random::uniform_int_distribution<std::size_t> any(0, words.size() - 1);
        return words[any(m_random)];
    }

private:
    boost::random::mt19937_64 m_random;
};

/// Small enough, and in enough of a hurry, for the flusher, the journal, reclaim and shootdowns to
/// come into every run.
inline settings machine_of(std::uint64_t seed, const std::string& kernel)
{
    dice d(seed);
    const bool scarce = d.one_of({"yes", "no", "no"}) == "yes";
    const std::uint64_t threads = std::stoull(d.number(2, 6));
    return {{"workload.kind", "random"},
            {"kernel", kernel},
            {"seed", std::to_string(seed)},
            {"cores", "4"},
            {"core.frequency", d.one_of({"150MHz", "1GHz", "3GHz"})},
            {"core.timeslice", d.number(20, 2000, "us")},
            {"core.ipi_latency", d.number(50, 5000, "ns")},
            {"memory", "1MiB"},
            {"time.limit", "600s"},
            {"workload.threads", std::to_string(threads)},
            {"workload.processes", d.number(1, 3)},
            {"workload.operations", d.number(60, 400)},
            {"workload.pages", scarce ? d.number(40, 64) : d.number(2, 24)},
            {"workload.anonymous_pages", scarce ? std::to_string(170 / threads) : "2"},
            {"tlb.entries", d.one_of({"8", "64"})},
            {"vm.dirty_background_ratio", "2%"},
            {"vm.dirty_ratio", d.one_of({"4%", "8%"})},
            {"vm.dirty_writeback", d.number(1, 20, "ms")},
            {"vm.dirty_expire", d.number(1, 20, "ms")},
            {"vm.flusher_core", d.number(0, 3)},
            {"fs.type", d.one_of({"ext2", "ext3", "ext3", "ext3"})},
            {"fs.data", d.one_of({"ordered", "ordered", "writeback"})},
            {"fs.block_size", d.one_of({"1KiB", "2KiB", "4KiB"})},
            {"fs.commit", d.number(2, 40, "ms")},
            {"fs.journal_blocks", d.one_of({"64", "256"})},
            {"block.elevator", d.one_of({"noop", "cscan"})},
            {"block.queue_depth", d.one_of({"1", "8"})},
            {"block.nr_requests", d.one_of({"4", "128"})},
            {"disk.kind", d.one_of({"rotating", "constant"})},
            {"disk.write_cache", d.one_of({"on", "off"})},
            {"disk.cache_size", d.one_of({"16KiB", "512KiB"})},
            {"disk.destage", d.one_of({"elevator", "fifo"})},
            {"disk.scheduling", d.one_of({"fcfs", "nearest"})},
            {"disk.write_overhead", d.number(1, 700, "us")}};
}

/// Any processor that works, with what its kernel does about it.
inline settings hardware_of(std::uint64_t seed)
{
    dice d(seed * 7919 + 17);
    settings s = {
        {"mmu.format", d.one_of({"x86-64", "x86-64-la57", "sv39", "sv48", "aarch64"})},
        {"mmu.sets_dirty", d.one_of({"walker", "walker", "fault"})},
        {"walker.cache_entries", d.one_of({"0", "1", "16"})},
        {"walker.cache_entries_1g", d.one_of({"0", "1", "4"})},
        {"walker.cache_entries_512g", d.one_of({"0", "1"})},
        {"walker.l1_lines", d.one_of({"0", "0", "1", "8"})},
        {"walker.l2_lines", d.one_of({"0", "4"})},
        {"walker.l1_latency", d.one_of({"1", "4"})},
        {"walker.rechecks", d.one_of({"always", "strays"})},
        {"walker.assist", d.one_of({"0", "250"})},
        {"walker.shared_ports", d.one_of({"0", "0", "1", "2"})},
        {"core.kpti", d.one_of({"off", "off", "on"})},
        {"tlb.entries", d.one_of({"1", "2", "8", "64"})},
        {"tlb.ways", "1"},
        {"tlb.replacement", d.one_of({"lru", "plru", "random"})},
        {"tlb.l2_entries", d.one_of({"0", "8", "128"})},
        {"tlb.l2_ways", d.one_of({"1", "4", "8"})},
        {"tlb.l2_latency", d.one_of({"0", "7", "300"})},
        {"tlb.caches_dirty", d.one_of({"on", "on", "off"})},
        {"tlb.rewalks", d.one_of({"on", "off"})},
        {"core.store_buffer", d.one_of({"0", "0", "1", "8", "64"})},
        {"core.store_drain", d.one_of({"1", "4", "40", "700"})},
        {"cost.ipi_ack", d.one_of({"0", "100", "700"})},
        {"shootdown.latency", d.one_of({"0ns", "100ns", "3us"})},
        {"shootdown.concurrent", d.one_of({"on", "off"})},
        {"vm.lazy_tlb", d.one_of({"flush", "leave", "skip"})},
        {"vm.tlb_flush_ceiling", d.one_of({"0", "3", "33"})},
        {"vm.reclaim_flush", d.one_of({"each", "batched"})},
    };
    const std::string kind = d.one_of({"ipi", "ipi", "early_ack", "broadcast", "rar"});
    const bool by_hardware = kind == "broadcast" || kind == "rar";
    const std::string asids =
        by_hardware ? d.one_of({"none", "global"}) : d.one_of({"none", "slots", "roll", "global"});
    s.emplace_back("shootdown.kind", kind);
    s.emplace_back("vm.asids", asids);
    s.emplace_back("tlb.asids", asids == "none" ? "0" : d.one_of({"2", "3", "256"}));
    return s;
}

/// The command that repeats it.
inline std::string command_of(const settings& given)
{
    std::string command = "mkclean run";
    for (const auto& [name, value] : given)
        command += " --" + name + " " + value;
    return command;
}

} // namespace mkclean
