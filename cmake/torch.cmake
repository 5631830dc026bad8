# libtorch from the pinned wheel (scripts/fetch_torch), or from CAMBIUM_TORCH (variable or environment): a folder with include/, lib/.
#
# Only torch_cpu and c10 are linked; libtorch_cuda.so is opened at run time when a device asks for it. The wheel's own
# TorchConfig.cmake is not used: for a CUDA wheel it wants the CUDA toolkit.
if(NOT CAMBIUM_TORCH)
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/fetch_torch OUTPUT_VARIABLE torch_folder
                  OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "No libtorch (see above). -DCAMBIUM_ENGINE=OFF (preset `core`) builds everything that needs none.")
  endif()
  set(CAMBIUM_TORCH ${torch_folder} CACHE PATH "torch folder: include/ and lib/")
endif()
message(STATUS "libtorch: ${CAMBIUM_TORCH}")

# The wheel's include folder carries its own fmt, protobuf and others, which would shadow the distribution's: only these four.
set(torch_include ${CMAKE_BINARY_DIR}/torch_include)
file(MAKE_DIRECTORY ${torch_include})
foreach(folder ATen c10 torch caffe2)
  file(CREATE_LINK ${CAMBIUM_TORCH}/include/${folder} ${torch_include}/${folder} SYMBOLIC)
endforeach()

foreach(name c10 torch_cpu)
  add_library(torch_${name} SHARED IMPORTED)
  set_target_properties(torch_${name} PROPERTIES IMPORTED_LOCATION ${CAMBIUM_TORCH}/lib/lib${name}.so)
endforeach()
add_library(cambium_torch INTERFACE)
target_include_directories(cambium_torch SYSTEM INTERFACE ${torch_include})
# ATen's umbrella headers pull in every operator otherwise.
target_compile_definitions(cambium_torch INTERFACE AT_PER_OPERATOR_HEADERS)
target_link_libraries(cambium_torch INTERFACE torch_torch_cpu torch_c10)
# libtorch's own dependencies are found through its run path when it is loaded.
target_link_options(cambium_torch INTERFACE -Wl,--allow-shlib-undefined)
