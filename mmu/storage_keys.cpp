#include "mmu/storage_keys.h"
#include "mmu/physical_memory.h"
#include "mmu/tlb.h"

namespace mkclean
{

storage_keys::storage_keys(physical_memory& memory)
    : m_memory(memory),
      m_pieces((memory.frames() + frames_per_piece - 1) / frames_per_piece)
{
    m_memory.set_keys(this);
}

storage_keys::~storage_keys()
{
    m_memory.set_keys(nullptr);
}

// What is in a key when the machine starts is left over from whoever had the frame before: as a
// rule it says that the frame was stored to.
std::unique_ptr<storage_keys::piece> storage_keys::make_piece()
{
    auto made = std::make_unique<piece>();
    made->fill(reference_bit | change_bit);
    return made;
}

void storage_keys::reset_reference(frame_number frame)
{
    key_of(frame) &= static_cast<std::uint8_t>(~reference_bit);
    for (tlb* translations : m_watched)
        translations->forget_reference(frame);
}

void storage_keys::reset_change(frame_number frame)
{
    key_of(frame) &= static_cast<std::uint8_t>(~change_bit);
    for (tlb* translations : m_watched)
        translations->forget_change(frame);
}

std::string show_key_change(std::uint64_t before, std::uint64_t after)
{
    const auto show = [](std::uint64_t raw) {
        return std::string{(raw & storage_keys::reference_bit) != 0 ? 'R' : '-',
                           (raw & storage_keys::change_bit) != 0 ? 'C' : '-'};
    };
    return "KEY " + show(before) + " -> " + show(after);
}

} // namespace mkclean
