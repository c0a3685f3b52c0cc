#pragma once

#include <type_traits>

namespace mkclean
{

/// A question that somebody else keeps: two pointers, and nothing is left of it when it is
/// forgotten, which cannot be said of a std::function. To be asked while that somebody lives.
class predicate_ref
{
public:
    predicate_ref() = default;
    template <class Predicate,
              class = std::enable_if_t<!std::is_same_v<std::decay_t<Predicate>, predicate_ref>>>
    predicate_ref(const Predicate& of) // NOLINT(google-explicit-constructor): it stands for it
        : m_of(&of),
          m_ask([](const void* p) -> bool { return (*static_cast<const Predicate*>(p))(); })
    {
    }
    explicit operator bool() const { return m_ask != nullptr; }
    bool operator()() const { return m_ask(m_of); }

private:
    const void* m_of = nullptr;
    bool (*m_ask)(const void*) = nullptr;
};

} // namespace mkclean
