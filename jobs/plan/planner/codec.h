/*
 * What a plan's sources and sinks need to make their decoders and encoders.
 * Configs live in the plan's arena and are immutable.
 */
#ifndef MR_JOBS_PLAN_PLANNER_CODEC_H
#define MR_JOBS_PLAN_PLANNER_CODEC_H

#include "connectors/formats/format.h"

typedef struct mr_decoder_config {
    const mr_format_use *key; /* NULL: keys are not decoded */
    const mr_format_use *value;
    const mr_codec_column *columns;
    uint32_t columns_count;
} mr_decoder_config;

typedef struct mr_encoder_config {
    const mr_format_use *key; /* NULL: records have no key */
    const mr_format_use *value;
    const mr_codec_field *fields;
    uint32_t fields_count;
} mr_encoder_config;

/* Of files; the config is the mr_format_use of their values. */
mr_status mr_make_splitter(const void *config, mr_splitter **splitter, mr_error *err);

/* Fit mr_plan_source.make_value and the sinks' make_encoder. */
mr_status mr_make_decoder(const void *config, mr_decoder **decoder, mr_error *err);
mr_status mr_make_encoder(const void *config, mr_encoder **encoder, mr_error *err);

#endif
