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
target_link_libraries(mr_rocksdb INTERFACE ${MR_ROCKSDB_LIBRARY})

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
