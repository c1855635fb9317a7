# Install and export: find_package(lockstep) gives lockstep::lockstep, pkg-config gives lockstep.  The
# installed tree may be moved: what lies in it is found from where the program, the library, the .pc
# file or CMake's package are.
include(CMakePackageConfigHelpers)
set(LOCKSTEP_DATADIR "${CMAKE_INSTALL_DATADIR}/lockstep")
set(LOCKSTEP_PACKAGEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/lockstep")

# lockstep_way(VARIABLE FROM TO): the relative path from one installed folder to another.
function(lockstep_way variable from to)
  foreach(end from to)
    if(NOT IS_ABSOLUTE "${${end}}")
      set(${end} "${CMAKE_INSTALL_PREFIX}/${${end}}")
    endif()
  endforeach()
  file(RELATIVE_PATH way "${from}" "${to}")
  set(${variable} "${way}" PARENT_SCOPE)
endfunction()

# Libraries outside of the system's folders are found where they were found here, ours where it lies.
set_target_properties(lockstep PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON INSTALL_RPATH "$ORIGIN")
install(TARGETS lockstep EXPORT lockstep LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lockstep_program)
  lockstep_way(LOCKSTEP_TO_LIBRARY "${CMAKE_INSTALL_BINDIR}" "${CMAKE_INSTALL_LIBDIR}")
  lockstep_way(LOCKSTEP_TO_SCRIPTS "${CMAKE_INSTALL_BINDIR}" "${LOCKSTEP_DATADIR}/scripts")
  set_target_properties(lockstep_program PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON
    INSTALL_RPATH "$ORIGIN/${LOCKSTEP_TO_LIBRARY}")
  target_compile_definitions(lockstep_program PRIVATE LOCKSTEP_TO_SCRIPTS="${LOCKSTEP_TO_SCRIPTS}")
  # In the build tree the program finds its scripts beside itself.
  if(NOT EXISTS "${PROJECT_BINARY_DIR}/scripts")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/scripts" "${PROJECT_BINARY_DIR}/scripts" SYMBOLIC)
  endif()
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
  install(PROGRAMS scripts/scaling.sh scripts/scaling_table.py scripts/scaling_picture.py
          DESTINATION ${LOCKSTEP_DATADIR}/scripts)
  install(FILES scripts/lib.sh DESTINATION ${LOCKSTEP_DATADIR}/scripts)
  install(DIRECTORY slurm DESTINATION ${LOCKSTEP_DATADIR})
endif()
install(DIRECTORY include/lockstep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# What users copy or compile themselves.
install(DIRECTORY scripts/examples DESTINATION ${LOCKSTEP_DATADIR} PATTERN __pycache__ EXCLUDE)
install(DIRECTORY scripts/fortran DESTINATION ${LOCKSTEP_DATADIR} FILES_MATCHING PATTERN "*.f90")

# The pages, in folders as here, so that their links hold.
file(GLOB LOCKSTEP_PAGES RELATIVE "${PROJECT_SOURCE_DIR}" CONFIGURE_DEPENDS README.md src/README.md
  src/*/README.md scripts/*/README.md)
foreach(page ${LOCKSTEP_PAGES})
  get_filename_component(folder "${page}" DIRECTORY)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder})
endforeach()

# CMake's package, and pkg-config's.
install(EXPORT lockstep NAMESPACE lockstep:: FILE lockstepTargets.cmake DESTINATION ${LOCKSTEP_PACKAGEDIR})
configure_package_config_file(scripts/cmake/lockstepConfig.cmake.in "${PROJECT_BINARY_DIR}/lockstepConfig.cmake"
  INSTALL_DESTINATION ${LOCKSTEP_PACKAGEDIR} PATH_VARS LOCKSTEP_DATADIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
lockstep_way(LOCKSTEP_TO_PREFIX "${CMAKE_INSTALL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
foreach(part BIN LIB INCLUDE MAN DATA)
  lockstep_way(LOCKSTEP_${part} "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_${part}DIR}")
endforeach()
file(WRITE "${PROJECT_BINARY_DIR}/lockstep.pc"
"prefix=\${pcfiledir}/${LOCKSTEP_TO_PREFIX}
libdir=\${prefix}/${LOCKSTEP_LIB}
includedir=\${prefix}/${LOCKSTEP_INCLUDE}

Name: lockstep
Description: ${PROJECT_DESCRIPTION}
Version: ${PROJECT_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -llockstep
")
install(FILES "${PROJECT_BINARY_DIR}/lockstepConfig.cmake" "${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake"
  DESTINATION ${LOCKSTEP_PACKAGEDIR})
install(FILES "${PROJECT_BINARY_DIR}/lockstep.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# module use PREFIX/share/lockstep/modulefiles; module load lockstep
lockstep_way(LOCKSTEP_MODULE_TO_PREFIX "${LOCKSTEP_DATADIR}/modulefiles/lockstep" "${CMAKE_INSTALL_PREFIX}")
foreach(kind lua tcl)
  configure_file(scripts/packaging/modulefile.${kind}.in "${PROJECT_BINARY_DIR}/modulefile.${kind}" @ONLY)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/modulefile.lua" RENAME ${PROJECT_VERSION}.lua
  DESTINATION ${LOCKSTEP_DATADIR}/modulefiles/lockstep)
install(FILES "${PROJECT_BINARY_DIR}/modulefile.tcl" RENAME ${PROJECT_VERSION}
  DESTINATION ${LOCKSTEP_DATADIR}/modulefiles/lockstep)
