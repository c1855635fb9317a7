# Install and export: find_package(lockstep) gives lockstep::lockstep, pkg-config gives lockstep.
include(CMakePackageConfigHelpers)
install(TARGETS lockstep EXPORT lockstep LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lockstep_program)
  set_target_properties(lockstep_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS lockstep_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
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
