# mkclean_tests(room SOURCES ... LIBRARIES ...)
#
# The doctest cases of one room, one program; ctest runs every case in a process of its own, which
# is what SystemC's one elaboration per process asks for.  A name with a semicolon is two names
# to CMake, neither of which any case has: a test that runs no case fails. A case's doctest suite is
# its ctest label (if its name has no comma): "long" is thousands of seeds, which the sanitizers
# leave out.
include(doctest)

# Compiled once: most of doctest is in it.
add_library(mkclean_test_main OBJECT ${PROJECT_SOURCE_DIR}/tb/tests/main.cpp)
target_link_libraries(mkclean_test_main PRIVATE mkclean_systemc doctest::doctest mkclean_warnings)

function(mkclean_tests name)
  cmake_parse_arguments(TESTS "" "" "SOURCES;LIBRARIES" ${ARGN})
  set(target ${name}_tests)
  add_executable(${target} $<TARGET_OBJECTS:mkclean_test_main> ${TESTS_SOURCES})
  target_link_libraries(${target} PRIVATE ${TESTS_LIBRARIES} mkclean_systemc doctest::doctest
                                          mkclean_warnings)
  target_compile_definitions(${target} PRIVATE
    MKCLEAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MKCLEAN_BINARY_DIR="${PROJECT_BINARY_DIR}")
  # Most of a test is run once and waits longer for its compiler than for itself.
  target_compile_options(${target} PRIVATE -Og)
  doctest_discover_tests(${target} TEST_PREFIX "${name}: " ADD_LABELS 1 PROPERTIES TIMEOUT 600
                         SKIP_REGULAR_EXPRESSION "SKIPPED: "
                         FAIL_REGULAR_EXPRESSION "test cases: +0 ")
endfunction()
