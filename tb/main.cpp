#include "tb/program.h"

// SystemC calls this once it is ready; it is where our main() goes on.
int sc_main(int argc, char* argv[])
{
    return mkclean::run_program({argv + 1, argv + argc}, {});
}

int main(int argc, char* argv[])
{
    return mkclean::start_systemc(argc, argv);
}
