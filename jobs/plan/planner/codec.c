#include "jobs/plan/planner/codec.h"

mr_status mr_make_decoder(const void *config, mr_decoder **decoder, mr_error *err)
{
    const mr_decoder_config *c = config;
    return mr_format_decoder_new(c->key, c->value, c->columns, c->columns_count, decoder, err);
}

mr_status mr_make_splitter(const void *config, mr_splitter **splitter, mr_error *err)
{
    return mr_format_splitter_new(config, splitter, err);
}

mr_status mr_make_encoder(const void *config, mr_encoder **encoder, mr_error *err)
{
    const mr_encoder_config *c = config;
    return mr_format_encoder_new(c->key, c->value, c->fields, c->fields_count, encoder, err);
}
