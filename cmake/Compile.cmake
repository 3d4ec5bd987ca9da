# How every file of the project is compiled, and mr_library().

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Release keeps symbols (profiles and stack traces of a user are worth the bytes) and keeps
# MR_ASSERT, which does not look at NDEBUG.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-Og -g3")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT DEFINED CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(mr_compile INTERFACE)
target_include_directories(mr_compile INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(mr_compile INTERFACE _GNU_SOURCE MR_VERSION="${PROJECT_VERSION}")
target_compile_options(mr_compile INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
    -fno-omit-frame-pointer)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # A message cut at the end of a fixed-size buffer is what we ask snprintf for.
    target_compile_options(mr_compile INTERFACE -Wno-format-truncation)
else()
    # MR_ASSERT(!"what can not be") is how a claim gets its words; gcc has no such warning.
    target_compile_options(mr_compile INTERFACE -Wno-string-conversion)
endif()
if(MR_WERROR)
    target_compile_options(mr_compile INTERFACE -Werror)
endif()
if(MR_SANITIZE)
    target_compile_options(mr_compile INTERFACE
        -fsanitize=${MR_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(mr_compile INTERFACE -fsanitize=${MR_SANITIZE})
endif()
if(MR_FUZZ)
    target_compile_options(mr_compile INTERFACE -fsanitize=fuzzer-no-link)
endif()
# What tests/coverage asks for: counters in engine/ and operators/ alone, so that the rest is as fast
# as ever.
if(MR_COVERAGE)
    target_link_options(mr_compile INTERFACE -fprofile-instr-generate)
endif()

# mr_glob(OUT PATTERN..): files by pattern relative to the root, looked up again at each build.
function(mr_glob out)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${patterns})
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# mr_library(NAME SOURCES FOLDER.. [EXCLUDE FILE..] [LINK LIB..]): a static library of all .c files
# below the folders, or an empty one where there are none yet.
function(mr_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;EXCLUDE;LINK" ${ARGN})
    list(TRANSFORM arg_SOURCES APPEND /*.c OUTPUT_VARIABLE patterns)
    mr_glob(sources ${patterns})
    foreach(file ${arg_EXCLUDE})
        list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/${file})
    endforeach()
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PRIVATE mr_compile PUBLIC ${arg_LINK})
        if(MR_COVERAGE AND name MATCHES "^mr_(engine|operators)$")
            target_compile_options(${name} PRIVATE -fprofile-instr-generate -fcoverage-mapping)
        endif()
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE ${arg_LINK})
    endif()
endfunction()

# mr_embed(SOURCE MACRO FOLDER FILE..): SOURCE finds FOLDER under the name MACRO and is compiled anew
# when one of the files it takes in changes.
function(mr_embed source macro folder)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/${folder}/ OUTPUT_VARIABLE files)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/${source} PROPERTIES
        COMPILE_DEFINITIONS "${macro}=\"${PROJECT_SOURCE_DIR}/${folder}\""
        OBJECT_DEPENDS "${files}")
endfunction()
