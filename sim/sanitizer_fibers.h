#pragma once

#include <cstddef>

// AddressSanitizer has to be told when the stack is switched under it. Without it, nothing.
#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace mkclean
{

struct stack_bounds {
    const void* bottom = nullptr;
    std::size_t size = 0;
};

/// About to leave the running stack for `to`. `leaving_for_good` frees what is kept of it.
inline void* before_stack_switch([[maybe_unused]] stack_bounds to,
                                 [[maybe_unused]] bool leaving_for_good)
{
    void* kept = nullptr;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(leaving_for_good ? nullptr : &kept, to.bottom, to.size);
#endif
    return kept;
}

/// Arrived on a stack; `kept` is what before_stack_switch() returned when it was left (null for a
/// new one). Returns the bounds of the stack that was left.
inline stack_bounds after_stack_switch([[maybe_unused]] void* kept)
{
    stack_bounds from;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(kept, &from.bottom, &from.size);
#endif
    return from;
}

/// The stack that the system gave the calling thread.
inline stack_bounds stack_of_thread()
{
    stack_bounds own;
#if defined(__SANITIZE_ADDRESS__)
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        void* bottom = nullptr;
        pthread_attr_getstack(&attributes, &bottom, &own.size);
        own.bottom = bottom;
        pthread_attr_destroy(&attributes);
    }
#endif
    return own;
}

} // namespace mkclean
