# Flags that every target of the project gets; nothing global.
function(lockstep_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L)
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-math-errno
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wformat=2
    $<$<CONFIG:Release>:-O3> $<$<BOOL:${LOCKSTEP_WERROR}>:-Werror>)
  if(LOCKSTEP_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LOCKSTEP_SANITIZE}
      -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    target_compile_definitions(${target} PRIVATE LOCKSTEP_SANITIZE="${LOCKSTEP_SANITIZE}")
    target_link_options(${target} PRIVATE -fsanitize=${LOCKSTEP_SANITIZE})
  endif()
endfunction()

# Flags and include paths of the library's own sources.
function(lockstep_private target)
  lockstep_flags(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(${target} PRIVATE LOCKSTEP_VERSION="${PROJECT_VERSION}"
    OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
  target_include_directories(${target} SYSTEM PRIVATE ${HDF5_C_INCLUDE_DIRS} ${HDF5_INCLUDE_DIRS})
  target_link_libraries(${target} PRIVATE MPI::MPI_C Threads::Threads ZLIB::ZLIB lockstep_yaml lockstep_blas)
endfunction()

# Links the libraries of images and sounds, where they are.
function(lockstep_images target)
  foreach(library PNG JPEG)
    if(LOCKSTEP_IMAGES AND ${library}_FOUND)
      target_link_libraries(${target} PRIVATE ${library}::${library})
    endif()
  endforeach()
  if(TARGET PkgConfig::SNDFILE)
    target_link_libraries(${target} PRIVATE PkgConfig::SNDFILE)
  endif()
endfunction()

# Builds NAME.simd.c for each instruction set; the objects land in LOCKSTEP_SIMD_OBJECTS.
function(lockstep_simd target)
  set(objects "")
  set(isas baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND isas avx2 avx512)
  endif()
  foreach(isa ${isas})
    add_library(${target}_${isa} OBJECT ${ARGN})
    lockstep_private(${target}_${isa})
    target_compile_definitions(${target}_${isa} PRIVATE LS__ISA=${isa})
    target_compile_options(${target}_${isa} PRIVATE -O3 -fno-trapping-math)
    if(LOCKSTEP_FUZZ) # with sanitizers clang takes many minutes for these
      target_compile_options(${target}_${isa} PRIVATE -O1 -fno-sanitize=all)
    endif()
    if(isa STREQUAL "avx2")
      target_compile_options(${target}_${isa} PRIVATE -mavx2 -mfma -mf16c)
    elseif(isa STREQUAL "avx512")
      target_compile_options(${target}_${isa} PRIVATE -mavx2 -mfma -mf16c -mavx512f -mavx512bw
        -mavx512dq -mavx512vl -mprefer-vector-width=512)
    endif()
    list(APPEND objects $<TARGET_OBJECTS:${target}_${isa}>)
  endforeach()
  set(LOCKSTEP_SIMD_OBJECTS ${objects} PARENT_SCOPE)
endfunction()

# NAME_bf16_tiles.c are for processors with AVX512_BF16, and AMX, where the compiler knows them.
function(lockstep_bf16)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    return()
  endif()
  include(CheckCSourceCompiles)
  set(flags -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16)
  list(JOIN flags " " CMAKE_REQUIRED_FLAGS)
  check_c_source_compiles("#include <immintrin.h>
    int main(void) { __m512 x = _mm512_setzero_ps();
      x = _mm512_dpbf16_ps(x, _mm512_cvtne2ps_pbh(x, x), _mm512_cvtne2ps_pbh(x, x));
      return _mm512_cvtss_f32(x) != 0; }" LOCKSTEP_KNOWS_AVX512_BF16)
  check_c_source_compiles("int main(void) {
      __asm__ volatile(\"tdpbf16ps %%tmm6, %%tmm4, %%tmm0\" ::);
      return 0; }" LOCKSTEP_KNOWS_AMX)
  if(LOCKSTEP_KNOWS_AVX512_BF16)
    set_source_files_properties(${ARGN} PROPERTIES
      COMPILE_OPTIONS "-O3;-fno-trapping-math;-mprefer-vector-width=512;${flags}"
      COMPILE_DEFINITIONS "$<$<BOOL:${LOCKSTEP_KNOWS_AMX}>:LS__KNOWS_AMX>")
  endif()
endfunction()

# What the library links with.
function(lockstep_link target)
  lockstep_flags(${target})
  target_link_libraries(${target} PUBLIC MPI::MPI_C)
  target_link_libraries(${target} PRIVATE Threads::Threads ZLIB::ZLIB lockstep_yaml lockstep_blas
    ${HDF5_C_LIBRARIES} m)
  lockstep_images(${target})
endfunction()
