# Test and benchmark executables, found by where their files lie:
#
#   tests/harness/**.c            library mr_harness, linked into everything below
#   tests/unit/NAME/**.c          Criterion executable unit_NAME; main_X.c in it: executable unit_main_X
#                                 (an own main: what must run under TSan, where Criterion does not start)
#   tests/broker/**.c             Criterion executable broker_tests
#   tests/sim/**.c                library mr_sim, linked into unit and broker tests too;
#                                 main_X.c: executable sim_X
#   tests/crash/**.c              library mr_crash; main_X.c: executable crash_X
#   tests/fuzz/fuzz_X.c           executable fuzz_X: libFuzzer's with MR_FUZZ, else it replays files
#   bench/drivers/bench_X.c       executable bench_X, with the other files there
#
# Every executable lands in the build folder's bin/.

pkg_check_modules(criterion REQUIRED IMPORTED_TARGET criterion)
# The oracle of decimal arithmetic (tests/unit/engine/expr/test_decimal.c).
find_library(MR_GMP_LIBRARY gmp REQUIRED)
mark_as_advanced(MR_GMP_LIBRARY)
# The oracle of Avro (tests/harness/avro_oracle).
pkg_check_modules(avro REQUIRED IMPORTED_TARGET avro-c)
set(mr_all mr_jobs mr_operators mr_connectors mr_engine)
set(mr_bin ${CMAKE_BINARY_DIR}/bin)

# mr_executable(NAME SOURCES FILE.. [LINK LIB..])
function(mr_executable name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    # The libraries of tests and of the project use each other's symbols in any order.
    target_link_libraries(${name} PRIVATE mr_compile
        -Wl,--start-group ${arg_LINK} mr_harness ${mr_all} -Wl,--end-group)
    target_compile_definitions(${name} PRIVATE MR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${mr_bin})
endfunction()

# mr_mains(PREFIX FOLDER [LINK LIB..]): an executable for each main_X.c below the folder.
function(mr_mains prefix folder)
    cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
    mr_glob(mains ${folder}/main_*.c)
    foreach(file ${mains})
        get_filename_component(stem ${file} NAME_WE)
        string(REGEX REPLACE "^main_" "${prefix}_" target ${stem})
        mr_executable(${target} SOURCES ${file} LINK ${arg_LINK})
    endforeach()
endfunction()

# mr_part(NAME FOLDER): a library of what lies there besides its mains.
function(mr_part name folder)
    mr_glob(mains ${folder}/main_*.c)
    list(TRANSFORM mains REPLACE "^${PROJECT_SOURCE_DIR}/" "")
    mr_library(${name} SOURCES ${folder} EXCLUDE ${mains} ${ARGN})
endfunction()

# mr_criterion(NAME FOLDER): one Criterion executable of what lies there besides its mains.
function(mr_criterion name folder)
    mr_glob(sources ${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main_[^/]*\\.c$")
    if(NOT sources)
        return()
    endif()
    mr_executable(${name} SOURCES ${sources} ${PROJECT_SOURCE_DIR}/tests/harness/leaks.c
        LINK mr_sim PkgConfig::criterion PkgConfig::jansson
        ${MR_GMP_LIBRARY})
endfunction()

# mr_witness(TARGET): its looks into the table of Kafka errors are seen by tests/harness/kafka.
function(mr_witness target)
    target_link_options(${target} PRIVATE -Wl,--wrap=mr_kafka_rule_of)
endfunction()

mr_library(mr_harness SOURCES tests/harness EXCLUDE tests/harness/fuzz_main.c tests/harness/leaks.c
    LINK mr_rdkafka)
target_link_libraries(mr_harness PUBLIC PkgConfig::avro)
target_compile_definitions(mr_harness PRIVATE MR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
mr_part(mr_sim tests/sim LINK mr_engine)
mr_mains(sim tests/sim LINK mr_sim)
mr_part(mr_crash tests/crash LINK mr_engine mr_rdkafka)
mr_mains(crash tests/crash LINK mr_crash mr_sim)

# Criterion's runner and libFuzzer's main do not go together, and Criterion hangs under TSan.
if(NOT MR_FUZZ AND NOT MR_SANITIZE MATCHES "thread")
    file(GLOB parts CONFIGURE_DEPENDS LIST_DIRECTORIES true RELATIVE ${PROJECT_SOURCE_DIR}/tests/unit
        ${PROJECT_SOURCE_DIR}/tests/unit/*)
    foreach(part ${parts})
        if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/unit/${part})
            mr_criterion(unit_${part} tests/unit/${part})
            if(TARGET unit_${part})
                add_test(NAME unit_${part} COMMAND unit_${part})
                mr_witness(unit_${part})
                # Criterion calls a leaking test passed unless the sanitizer aborts.
                set_tests_properties(unit_${part} PROPERTIES
                    ENVIRONMENT "ASAN_OPTIONS=abort_on_error=1")
            endif()
        endif()
    endforeach()
    mr_criterion(broker_tests tests/broker)
    if(TARGET broker_tests)
        mr_witness(broker_tests)
    endif()
endif()

mr_mains(unit_main tests/unit LINK mr_sim)
mr_glob(mains tests/unit/main_*.c)
foreach(file ${mains})
    get_filename_component(stem ${file} NAME_WE)
    add_test(NAME unit_${stem} COMMAND unit_${stem})
endforeach()

file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(file ${fuzzers})
    get_filename_component(target ${file} NAME_WE)
    if(MR_FUZZ)
        mr_executable(${target} SOURCES ${file})
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
        mr_executable(${target} SOURCES ${file} ${PROJECT_SOURCE_DIR}/tests/harness/fuzz_main.c)
    endif()
endforeach()

file(GLOB drivers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/drivers/bench_*.c)
file(GLOB common CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/drivers/*.c)
list(FILTER common EXCLUDE REGEX "/bench_[^/]*\\.c$")
foreach(file ${drivers})
    get_filename_component(target ${file} NAME_WE)
    mr_executable(${target} SOURCES ${file} ${common})
endforeach()
