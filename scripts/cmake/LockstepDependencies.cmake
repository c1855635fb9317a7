# Finds Open MPI, OpenBLAS, HDF5 (parallel or serial), libyaml and zlib.
find_package(MPI REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)

# HDF5's compiler wrapper would drag its own flags in; ask for the C library alone, whichever
# build of it the machine has.
if(NOT DEFINED HDF5_PREFER_PARALLEL)
  set(HDF5_PREFER_PARALLEL ON)
endif()
find_package(HDF5 REQUIRED COMPONENTS C)

# OpenBLAS by pkg-config where it has a file, else by name: CMake's FindBLAS would take any BLAS.
pkg_check_modules(OPENBLAS IMPORTED_TARGET openblas)
if(OPENBLAS_FOUND)
  add_library(lockstep_blas INTERFACE)
  target_link_libraries(lockstep_blas INTERFACE PkgConfig::OPENBLAS)
else()
  find_library(OPENBLAS_LIBRARY openblas REQUIRED)
  find_path(OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas x86_64-linux-gnu REQUIRED)
  add_library(lockstep_blas INTERFACE)
  target_link_libraries(lockstep_blas INTERFACE "${OPENBLAS_LIBRARY}")
  target_include_directories(lockstep_blas INTERFACE "${OPENBLAS_INCLUDE}")
endif()
