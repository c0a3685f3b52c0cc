#include "mmu/keyed_format.h"

namespace mkclean
{

namespace
{

class keyed_format final : public pte_format
{
public:
    explicit keyed_format(pte_layout layout) : keyed_format(format_of(layout)) {}

    std::uint64_t encode_page(pte entry) const override
    {
        return m_layout.encode_page(entry.mkclean().mkold());
    }
    std::uint64_t encode_table(frame_number table) const override
    {
        return m_layout.encode_table(table);
    }
    pte decode_page(std::uint64_t raw) const override { return m_layout.decode_page(raw); }
    pte decode_table(std::uint64_t raw) const override { return m_layout.decode_table(raw); }
    std::uint64_t mark(std::uint64_t raw, bool) const override { return raw; }

private:
    bool is_huge(std::uint64_t raw) const override { return m_layout.decode(raw, 1).huge(); }
    pte decode_huge(std::uint64_t raw, page_order order) const override
    {
        return m_layout.decode(raw, level_of(order));
    }

    explicit keyed_format(const pte_format& layout)
        : pte_format(layout.name(), layout.levels(), false),
          m_layout(layout)
    {
    }

    const pte_format& m_layout;
};

} // namespace

const pte_format& format_with_keys(pte_layout layout)
{
    static const keyed_format all[] = {
        keyed_format(pte_layout::x86_64), keyed_format(pte_layout::x86_64_la57),
        keyed_format(pte_layout::sv39), keyed_format(pte_layout::sv48),
        keyed_format(pte_layout::aarch64)}; // in the order of pte_layout
    return all[static_cast<std::size_t>(layout)];
}

} // namespace mkclean
