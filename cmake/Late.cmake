# mr_late(TARGET): the program takes connectors/late, where its pieces fit: libraries of 64 bits, and
# a librdkafka that is linked statically, so that its calls can be led there.
function(mr_late target)
    if(NOT TARGET RdKafka::rdkafka OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8 OR MR_SANITIZE)
        return()
    endif()
    target_sources(${target} PRIVATE connectors/late/curl.c connectors/late/sasl.c)
    target_link_options(${target} PRIVATE
        -Wl,--as-needed -Wl,--wrap=sasl_client_init -Wl,--wrap=sasl_client_new)
    target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()
