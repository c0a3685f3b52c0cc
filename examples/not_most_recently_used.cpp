// A TLB replacement of one's own, in one's own file: of a full set, any way but the one used last.
// What it needs of mkclean is two headers; what it adds to it is a name for tlb.replacement.

#include "mmu/tlb_replacement.h"
#include "tb/program.h"

#include <algorithm>
#include <random>

namespace
{

using namespace mkclean;

class not_most_recently_used final : public tlb_replacement
{
public:
    explicit not_most_recently_used(std::uint64_t seed) : m_random(seed) {}

    std::size_t victim(const tlb_entry* set, std::size_t ways) override
    {
        if (ways == 1)
            return 0;
        const tlb_entry* const latest =
            std::max_element(set, set + ways, [](const tlb_entry& a, const tlb_entry& b) {
                return a.last_use < b.last_use;
            });
        const auto spared = static_cast<std::size_t>(latest - set);
        return (spared + 1 + m_random() % (ways - 1)) % ways;
    }

private:
    std::mt19937_64 m_random;
};

const tlb_replacement_kind nmru{"nmru", "any but the one used last",
                                [](std::uint64_t seed) -> std::unique_ptr<tlb_replacement> {
                                    return std::make_unique<not_most_recently_used>(seed);
                                }};

} // namespace

int sc_main(int argc, char* argv[])
{
    return run_program({argv + 1, argv + argc}, {{&nmru}});
}

int main(int argc, char* argv[])
{
    return start_systemc(argc, argv);
}
