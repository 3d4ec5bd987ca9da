/*
 * LZ4 blocks for the frames of an exchange (engine/exchange/frame.h). Source: liblz4.
 */
#ifndef MR_CONNECTORS_EXCHANGE_LZ4_H
#define MR_CONNECTORS_EXCHANGE_LZ4_H

#include "engine/ports/compressor.h"

extern const mr_compressor mr_lz4;

#endif
