# Compiler, linker and cache settings shared by every target.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

add_library(cambium_warnings INTERFACE)
if(CAMBIUM_WARNINGS)
  target_compile_options(cambium_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees out-of-bounds writes and dangling pointers in its own std::string and std::vector once inlined.
    target_compile_options(cambium_warnings INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                                      -Wno-maybe-uninitialized)
  endif()
else()
  target_compile_options(cambium_warnings INTERFACE -w)
endif()

# Hot loops are written with SIMD intrinsics, so that -O3 buys nothing but build time (measured: a quarter more).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# No fused multiply-add unless the code asks for it: the same source gives the same bits at each SIMD width.
add_compile_options(-ffp-contract=off)
# Paths below the source folder appear relative, so that two checkouts make the same objects (and share ccache's).
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)

if(CAMBIUM_SANITIZE)
  add_compile_options(-fsanitize=${CAMBIUM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CAMBIUM_SANITIZE})
endif()

if(CAMBIUM_FUZZ)
  # The rooms, too: the fuzzer steers by the branches it sees taken.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
endif()
