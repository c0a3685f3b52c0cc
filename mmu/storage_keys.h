#pragma once

#include "sim/number.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mkclean
{

class physical_memory;
class tlb;

/// The storage keys of s390 (z/Architecture Principles of Operation, "Storage Key"): a byte for
/// every frame of memory, of which the reference bit R and the change bit C are modelled. Any
/// access to the frame sets R and any store sets C, whoever makes it: user code, the kernel, a
/// device.
///
/// TLB entries do not cache the key, so there is nothing to flush for the next store to set C
/// again. That a core need not come here for every store is the emulator's affair: an entry knows
/// that C is set until it is reset, and that costs the model nothing.
///
/// O(1) for what sets a bit; a reset looks at every entry of every TLB that was given to watch().
class storage_keys
{
public:
    static constexpr std::uint8_t reference_bit = 0x04;
    static constexpr std::uint8_t change_bit = 0x02;

    /// From now on every store to `memory` that is not made through a bare pointer sets C.
    explicit storage_keys(physical_memory& memory);
    ~storage_keys();
    storage_keys(const storage_keys&) = delete;
    storage_keys& operator=(const storage_keys&) = delete;

    /// What a core's TLB knows of keys goes when they are reset; it outlives the last reset.
    void watch(tlb& translations) { m_watched.push_back(&translations); }

    void referenced(frame_number frame) { key_of(frame) |= reference_bit; }
    void stored(frame_number frame) { key_of(frame) |= reference_bit | change_bit; }

    bool is_referenced(frame_number frame) { return (key_of(frame) & reference_bit) != 0; }
    bool is_changed(frame_number frame) { return (key_of(frame) & change_bit) != 0; }
    std::uint8_t raw(frame_number frame) { return key_of(frame); }

    void reset_reference(frame_number frame);
    void reset_change(frame_number frame);

private:
    static constexpr std::uint64_t frames_per_piece = 4096;
    using piece = std::array<std::uint8_t, frames_per_piece>;

    std::uint8_t& key_of(frame_number frame)
    {
        std::unique_ptr<piece>& of = m_pieces.at(frame.raw() / frames_per_piece);
        if (of == nullptr)
            of = make_piece();
        return (*of)[frame.raw() % frames_per_piece];
    }
    static std::unique_ptr<piece> make_piece();

    physical_memory& m_memory;
    std::vector<std::unique_ptr<piece>> m_pieces; ///< made when the first of its frames is used
    std::vector<tlb*> m_watched;
};

/// The key of one frame as the word that a step reads.
struct key_word {
    storage_keys& keys;
    frame_number frame;
    std::uint64_t raw() const { return keys.raw(frame); }
};

/// "KEY -C -> --", as the log prints a change.
std::string show_key_change(std::uint64_t before, std::uint64_t after);

} // namespace mkclean
