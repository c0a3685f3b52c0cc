# What the house stands on; scripts/install-dependencies installs all of it on Debian 12.
find_package(Boost 1.74 REQUIRED COMPONENTS program_options context)
find_package(doctest CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(ZLIB REQUIRED)

# A self-built SystemC 3.0 brings a CMake package; Debian's 2.3.4 has pkg-config only.
find_package(SystemCLanguage CONFIG QUIET)
add_library(mkclean_systemc INTERFACE)
if(TARGET SystemC::systemc)
  target_link_libraries(mkclean_systemc INTERFACE SystemC::systemc)
else()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(SYSTEMC REQUIRED IMPORTED_TARGET systemc>=2.3.4)
  target_link_libraries(mkclean_systemc INTERFACE PkgConfig::SYSTEMC)
endif()
# Tasks are spawned, not declared in a module's constructor.
target_compile_definitions(mkclean_systemc INTERFACE SC_INCLUDE_DYNAMIC_PROCESSES)
find_package(Threads REQUIRED)
