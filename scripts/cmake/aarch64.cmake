# Builds for 64-bit ARM on another machine, with what tests/support/aarch64.sh downloads from Debian:
#   cmake -DCMAKE_TOOLCHAIN_FILE=scripts/cmake/aarch64.cmake -DLOCKSTEP_AARCH64=DIR ...
# DIR/sysroot has the arm64 libraries, DIR/cross the compiler.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LOCKSTEP_AARCH64)
set(CMAKE_SYSROOT "${LOCKSTEP_AARCH64}/sysroot")
file(GLOB CMAKE_C_COMPILER "${LOCKSTEP_AARCH64}/cross/usr/bin/aarch64-linux-gnu-gcc-[0-9]*")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(libraries "${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${libraries}/pkgconfig:${libraries}/openblas-pthread/pkgconfig")

# The compiler wrappers of MPI and HDF5 would name this machine's own libraries.
set(MPI_C_COMPILER_INCLUDE_DIRS "${libraries}/openmpi/include" CACHE STRING "")
set(MPI_C_LIB_NAMES mpi CACHE STRING "")
set(MPI_mpi_LIBRARY "${libraries}/openmpi/lib/libmpi.so" CACHE STRING "")
set(HDF5_C_COMPILER_EXECUTABLE false CACHE STRING "")
set(HDF5_ROOT "${libraries}/hdf5/serial" CACHE STRING "")
