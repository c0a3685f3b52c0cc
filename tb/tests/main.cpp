#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <systemc>

// The tests run inside sc_main, so that a case may elaborate a SystemC model (one a process).
int sc_main(int argc, char* argv[])
{
    doctest::Context context(argc, argv);
    return context.run();
}

int main(int argc, char* argv[])
{
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
