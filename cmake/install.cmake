# cmake --install: where Debian would put things. What is generated of the program's options and verbs
# (mkclean reference) is made by the program that has just been built.
include(GNUInstallDirs)

set(mkclean_pages "")
function(mkclean_page page file)
  set(path ${PROJECT_BINARY_DIR}/reference/${file})
  add_custom_command(OUTPUT ${path}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/reference
    COMMAND mkclean reference ${page} > ${path}
    DEPENDS mkclean)
  set(mkclean_pages ${mkclean_pages} ${path} PARENT_SCOPE)
endfunction()

mkclean_page(man mkclean.1)
mkclean_page(man-config mkclean.cfg.5)
mkclean_page(bash-completion mkclean)
add_custom_target(mkclean_reference ALL DEPENDS ${mkclean_pages})

set(from ${PROJECT_BINARY_DIR}/reference)
install(TARGETS mkclean RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/mkclean)
install(DIRECTORY docs/lessons DESTINATION ${CMAKE_INSTALL_DATADIR}/mkclean/docs # in the handouts
        FILES_MATCHING PATTERN "*.svg")
install(FILES ${from}/mkclean.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${from}/mkclean.cfg.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${from}/mkclean DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
