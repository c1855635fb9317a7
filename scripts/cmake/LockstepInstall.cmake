# Install and export: find_package(lockstep) gives lockstep::lockstep, pkg-config gives lockstep.
include(CMakePackageConfigHelpers)
install(TARGETS lockstep EXPORT lockstep LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lockstep_program)
  set_target_properties(lockstep_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS lockstep_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The program writes its manual page and its completion; one built for another machine can't.
  if(NOT CMAKE_CROSSCOMPILING)
    foreach(made "man|lockstep.1" "completion|lockstep.bash")
      string(REPLACE "|" ";" made "${made}")
      list(GET made 0 what)
      list(GET made 1 file)
      add_custom_command(OUTPUT ${file} DEPENDS lockstep_program
        COMMAND lockstep_program help --${what} > ${file}.new
        COMMAND ${CMAKE_COMMAND} -E rename ${file}.new ${file}
        WORKING_DIRECTORY "${PROJECT_BINARY_DIR}" COMMENT "Writing ${file}")
      list(APPEND LOCKSTEP_HELP "${PROJECT_BINARY_DIR}/${file}")
    endforeach()
    add_custom_target(lockstep_help ALL DEPENDS ${LOCKSTEP_HELP})
    install(FILES "${PROJECT_BINARY_DIR}/lockstep.1" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES "${PROJECT_BINARY_DIR}/lockstep.bash" RENAME lockstep
      DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  endif()
endif()
install(DIRECTORY include/lockstep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT lockstep NAMESPACE lockstep:: FILE lockstepTargets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
file(WRITE "${PROJECT_BINARY_DIR}/lockstepConfig.cmake"
"include(CMakeFindDependencyMacro)
find_dependency(MPI COMPONENTS C)
include(\"\${CMAKE_CURRENT_LIST_DIR}/lockstepTargets.cmake\")
")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
# From the .pc file back to the prefix, so that an installed tree may be moved.
string(REGEX REPLACE "[^/]+" ".." LOCKSTEP_TO_PREFIX "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(WRITE "${PROJECT_BINARY_DIR}/lockstep.pc"
"prefix=\${pcfiledir}/${LOCKSTEP_TO_PREFIX}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}

Name: lockstep
Description: ${PROJECT_DESCRIPTION}
Version: ${PROJECT_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -llockstep
")
install(FILES "${PROJECT_BINARY_DIR}/lockstepConfig.cmake" "${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
install(FILES "${PROJECT_BINARY_DIR}/lockstep.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
