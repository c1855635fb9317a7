# Finds Open MPI, OpenBLAS, HDF5 (parallel or serial), libyaml and zlib; for the tests cmocka and
# Python 3.
find_package(MPI REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig QUIET)

# Folders of images are read as PNG and JPEG where these libraries are.
if(LOCKSTEP_IMAGES)
  find_package(PNG QUIET)
  find_package(JPEG QUIET)
endif()
# Recordings are read where this one is.
if(LOCKSTEP_AUDIO AND PKG_CONFIG_FOUND)
  pkg_check_modules(SNDFILE QUIET IMPORTED_TARGET sndfile)
endif()

# lockstep_library(TARGET MODULE LIBRARY HEADER [SUFFIXES...]): by pkg-config where it has a file, else
# by name.
function(lockstep_library target module library header)
  add_library(${target} INTERFACE)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
  endif()
  if(TARGET PkgConfig::${target})
    target_link_libraries(${target} INTERFACE PkgConfig::${target})
  else()
    find_library(${target}_LIBRARY ${library} REQUIRED)
    find_path(${target}_INCLUDE ${header} PATH_SUFFIXES ${ARGN} REQUIRED)
    target_link_libraries(${target} INTERFACE "${${target}_LIBRARY}")
    target_include_directories(${target} INTERFACE "${${target}_INCLUDE}")
  endif()
endfunction()
lockstep_library(lockstep_yaml yaml-0.1 yaml yaml.h)
lockstep_library(lockstep_blas openblas openblas cblas.h openblas x86_64-linux-gnu) # CMake's FindBLAS would take any

# HDF5's compiler wrapper would drag its own flags in; ask for the C library alone, whichever
# build of it the machine has.
if(NOT DEFINED HDF5_PREFER_PARALLEL)
  set(HDF5_PREFER_PARALLEL ON)
endif()
find_package(HDF5 REQUIRED COMPONENTS C)

# The tests are built where they can be, unless somebody says ON (then they must) or OFF.
set(LOCKSTEP_BUILD_TESTS OFF)
if(LOCKSTEP_TESTS)
  set(missing "")
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
  endif()
  find_package(Python3 QUIET COMPONENTS Interpreter)
  if(NOT PKG_CONFIG_FOUND)
    list(APPEND missing "pkg-config")
  elseif(NOT TARGET PkgConfig::CMOCKA)
    list(APPEND missing "cmocka (Debian: libcmocka-dev)")
  endif()
  if(NOT Python3_FOUND)
    list(APPEND missing "Python 3")
  endif()
  list(JOIN missing ", " missing)
  if(missing AND LOCKSTEP_TESTS STREQUAL "AUTO")
    message(STATUS "The tests are left out, because of what is not here: ${missing}")
  elseif(missing)
    message(FATAL_ERROR "LOCKSTEP_TESTS=${LOCKSTEP_TESTS}, but what the tests need is not here: ${missing}")
  else()
    set(LOCKSTEP_BUILD_TESTS ON)
  endif()
endif()
