# Foreign libraries. Each gets one target; which folder may include its headers is checked by tests/tidy.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# librdkafka: one built by .ci/librdkafka into the cache goes before the system's, which is too old
# in Debian 12 (2.0; we need 2.3).
if(DEFINED ENV{XDG_CACHE_HOME})
    set(mr_cache $ENV{XDG_CACHE_HOME})
else()
    set(mr_cache $ENV{HOME}/.cache)
endif()
set(MR_LIBRDKAFKA_PREFIX ${mr_cache}/millrace/librdkafka-2.8.0 CACHE PATH
    "Where a librdkafka of our own was installed; the system's is taken when there is none")
add_library(mr_rdkafka INTERFACE)
if(EXISTS ${MR_LIBRDKAFKA_PREFIX}/lib/cmake/RdKafka/RdKafkaConfig.cmake)
    # Its own package file knows what the static library needs (lz4, zstd, ssl, sasl, curl).
    list(APPEND CMAKE_MODULE_PATH ${MR_LIBRDKAFKA_PREFIX}/lib/cmake/RdKafka)
    find_package(RdKafka REQUIRED CONFIG NO_DEFAULT_PATH PATHS ${MR_LIBRDKAFKA_PREFIX})
    target_link_libraries(mr_rdkafka INTERFACE RdKafka::rdkafka)
    message(STATUS "librdkafka: ${MR_LIBRDKAFKA_PREFIX}")
else()
    pkg_check_modules(rdkafka REQUIRED IMPORTED_TARGET rdkafka>=2.3)
    target_link_libraries(mr_rdkafka INTERFACE PkgConfig::rdkafka)
    message(STATUS "librdkafka: the system's ${rdkafka_VERSION}")
endif()

# RocksDB: through its C API, so a build of one's own (newer, or with fewer features) can be named.
set(MR_ROCKSDB_PREFIX "" CACHE PATH "Where a RocksDB of one's own was installed")
find_path(MR_ROCKSDB_INCLUDE rocksdb/c.h HINTS ${MR_ROCKSDB_PREFIX}/include REQUIRED)
find_library(MR_ROCKSDB_LIBRARY rocksdb HINTS ${MR_ROCKSDB_PREFIX}/lib REQUIRED)
mark_as_advanced(MR_ROCKSDB_INCLUDE MR_ROCKSDB_LIBRARY)
add_library(mr_rocksdb INTERFACE)
target_include_directories(mr_rocksdb SYSTEM INTERFACE ${MR_ROCKSDB_INCLUDE})

# The program itself takes the static one where there is one that links: for the shared one the
# loader binds 10,000 names of C++, 5 ms of each start. Tests link faster with the shared one.
get_filename_component(mr_rocksdb_folder ${MR_ROCKSDB_LIBRARY} DIRECTORY)
set(mr_rocksdb_static ${mr_rocksdb_folder}/librocksdb.a -l:libsnappy.a -l:libbz2.a -l:libstdc++.a
    -llz4 -lzstd -lz -lpthread -lm -ldl)
if(EXISTS ${mr_rocksdb_folder}/librocksdb.a AND NOT MR_SANITIZE)
    include(CheckCSourceCompiles)
    set(CMAKE_REQUIRED_INCLUDES ${MR_ROCKSDB_INCLUDE})
    set(CMAKE_REQUIRED_LIBRARIES ${mr_rocksdb_static})
    check_c_source_compiles("#include <rocksdb/c.h>
        int main(void) { return rocksdb_open(0, 0, 0) != 0; }" MR_ROCKSDB_IS_STATIC)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(MR_ROCKSDB_IS_STATIC)
    target_link_libraries(mr_rocksdb INTERFACE "$<IF:$<BOOL:$<TARGET_PROPERTY:MR_IS_PROGRAM>>,\
${mr_rocksdb_static},${MR_ROCKSDB_LIBRARY}>")
else()
    target_link_libraries(mr_rocksdb INTERFACE ${MR_ROCKSDB_LIBRARY})
endif()

pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.12)

find_package(ZLIB REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.4)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4>=1.9)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl>=7.85)
# SHA-256 and HMAC, for the names of blobs and for signed requests.
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto>=3.0)

# xxhash is used header-only (XXH_INLINE_ALL): nothing to link.
find_path(MR_XXHASH_INCLUDE xxhash.h REQUIRED)
mark_as_advanced(MR_XXHASH_INCLUDE)
