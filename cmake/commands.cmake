# Commands are a library, so that their own pieces (tables, progress line) have unit tests; the program adds main.cpp.
# They come before the rooms: of a quick build they are the longest file, to be begun first.
set(folder ${CMAKE_SOURCE_DIR}/src/cli)
file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
list(REMOVE_ITEM sources ${folder}/main.cpp)
if(CAMBIUM_ENGINE)
  list(REMOVE_ITEM sources ${folder}/absent_commands.cpp)
else()
  list(REMOVE_ITEM sources ${folder}/lab_command.cpp ${folder}/study_command.cpp)
endif()
if(CAMBIUM_UNITY)
  cambium_joined(sources commands 400000 ${sources})
  cambium_joined_options(${sources})
endif()
cambium_cold(${sources} ${folder}/main.cpp)
add_library(cambium_cli STATIC ${sources})
# Option parsing is no hot loop.
target_compile_options(cambium_cli PRIVATE $<$<CONFIG:Release>:-O1>)
target_include_directories(cambium_cli PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(cambium_cli PUBLIC CAMBIUM_VERSION="${PROJECT_VERSION}")
target_link_libraries(cambium_cli PUBLIC cambium_merge cambium_text cambium_media cambium_tasks cambium_eval_store cambium_report
                                  CLI11::CLI11
                                  PRIVATE cambium_warnings ${CMAKE_DL_LIBS})
if(CAMBIUM_ENGINE)
  target_link_libraries(cambium_cli PUBLIC cambium_lab cambium_study)
endif()
if(NOT CAMBIUM_UNITY)
  # CLI11 is large: seven of the eight seconds that a command takes to compile.
  target_precompile_headers(cambium_cli PRIVATE <CLI/CLI.hpp>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(cambium_cli PRIVATE -fpch-preprocess)  # ccache needs it
  endif()
endif()
add_executable(cambium ${folder}/main.cpp)
target_link_libraries(cambium PRIVATE cambium_cli cambium_warnings)
if(CAMBIUM_ENGINE)
  add_dependencies(cambium cambium_engine)
endif()
