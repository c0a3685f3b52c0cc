#include "sim/costs.h"
#include "sim/option_set.h"

#include <doctest/doctest.h>

#include <map>

using namespace mkclean;

namespace
{

std::map<std::string, std::uint64_t> fields(const costs& c)
{
    return {{"cost.atomic_rmw", c.atomic_rmw},
            {"cost.pte_rmw", c.pte_rmw},
            {"cost.tree_op", c.tree_op},
            {"cost.list_op", c.list_op},
            {"cost.lock", c.lock},
            {"cost.function", c.function},
            {"cost.fault_entry", c.fault_entry},
            {"cost.fault_exit", c.fault_exit},
            {"cost.fault_body", c.fault_body},
            {"cost.syscall_entry", c.syscall_entry},
            {"cost.syscall_exit", c.syscall_exit},
            {"cost.kpti_switch", c.kpti_switch},
            {"cost.irq_entry", c.irq_entry},
            {"cost.irq_exit", c.irq_exit},
            {"cost.context_switch", c.context_switch},
            {"cost.invlpg", c.invlpg},
            {"cost.tlb_flush_all", c.tlb_flush_all},
            {"cost.tlbi", c.tlbi},
            {"cost.iske", c.iske},
            {"cost.rrbe", c.rrbe},
            {"cost.sske", c.sske},
            {"cost.ipi_send", c.ipi_send},
            {"cost.ipi_ack", c.ipi_ack},
            {"cost.ipi_handler", c.ipi_handler},
            {"cost.copy_page", c.copy_page},
            {"cost.submit_bio", c.submit_bio},
            {"cost.mmio_write", c.mmio_write},
            {"cost.mmio_read", c.mmio_read}};
}

} // namespace

TEST_CASE("every cost is an option of its own name, and of no other's")
{
    CHECK(fields(costs()).size() * sizeof(std::uint64_t) == sizeof(costs)); // none is forgotten
    for (const auto& [name, value] : fields(costs())) {
        CAPTURE(name);
        costs c;
        option_set options;
        c.declare(options);
        CHECK(options.names().size() == fields(c).size());
        REQUIRE(options.has(name));
        options.set(name, std::to_string(value + 1), {});
        std::map<std::string, std::uint64_t> expected = fields(costs());
        ++expected[name];
        CHECK(fields(c) == expected);
    }
}

TEST_CASE("a step costs what the place it touches costs")
{
    costs c;
    c.pte_rmw = 3;
    c.tree_op = 5;
    c.list_op = 7;
    c.atomic_rmw = 11;
    CHECK(c.of_step(place::pte) == cycles(3));
    CHECK(c.of_step(place::tag) == cycles(5));
    CHECK(c.of_step(place::inode) == cycles(7));
    CHECK(c.of_step(place::page) == cycles(11));
    CHECK(c.of_step(place::buffer) == cycles(11));
    // What these cost, whoever takes the step charges.
    CHECK(c.of_step(place::tlb) == cycles(0));
    CHECK(c.of_step(place::disk) == cycles(0));
    CHECK(c.of_step(place::none) == cycles(0));
}
