/* A JOIN to its node. */
#include "engine/base/buffer.h"
#include "jobs/plan/planner/planner.h"
#include "operators/join/interval_join.h"

/* Columns of one side that are asked for, behind `count` others; how many there are then. */
static uint32_t place_side(mr_planner *planner, const mr_relation *relation, uint32_t side,
                           mr_join_side *to, mr_field *fields, uint32_t count)
{
    const mr_join_spec *join = relation->join;
    mr_planned *planned = mr_planned_of(planner, relation);
    const mr_relation *input = relation->inputs[side];
    const mr_planned *below = mr_planned_of(planner, input);
    uint32_t first = side == MR_JOIN_LEFT ? 0 : join->left_count;
    uint32_t own = side == MR_JOIN_LEFT ? join->left_count : join->right_count;
    const uint32_t *keys = side == MR_JOIN_LEFT ? join->left_keys : join->right_keys;
    uint32_t *columns = mr_arena_zalloc(planner->arena, own, sizeof *columns);
    mr_type *types = mr_arena_zalloc(planner->arena, own, sizeof *types);
    uint32_t *places = mr_arena_zalloc(planner->arena, join->keys_count, sizeof *places);
    int32_t time = mr_relation_time_column(input);
    *to = (mr_join_side){.keys = places, .columns = columns, .types = types};
    for (uint32_t k = 0; k < join->keys_count; k++)
        places[k] = (uint32_t)below->map[keys[k]];
    for (uint32_t i = 0; i < own; i++) {
        planned->map[first + i] = -1;
        if (!planned->needed[first + i])
            continue;
        planned->map[first + i] = (int32_t)count;
        columns[to->columns_count] = (uint32_t)below->map[i];
        types[to->columns_count] = relation->columns[first + i].type;
        fields[count++] = (mr_field){
            .name = mr_relation_column_name(&relation->columns[first + i], planner->arena),
            .type = types[to->columns_count++]};
    }
    to->time_column = time >= 0 ? below->map[time] : -1;
    return count;
}

static const char *details_of(const mr_planner *planner, const mr_join_spec *join)
{
    return mr_arena_printf(planner->arena, "%s - %s from %lld to %lld ms", join->left_time,
                           join->right_time, (long long)join->lower_ms, (long long)join->upper_ms);
}

void mr_plan_emit_join(mr_planner *planner, const mr_relation *relation)
{
    const mr_join_spec *join = relation->join;
    mr_planned *planned = mr_planned_of(planner, relation);
    mr_interval_join_config *config = mr_arena_zalloc(planner->arena, 1, sizeof *config);
    mr_field *fields = mr_arena_zalloc(planner->arena, relation->columns_count, sizeof(mr_field));
    uint32_t count =
        place_side(planner, relation, MR_JOIN_LEFT, &config->sides[MR_JOIN_LEFT], fields, 0);
    count =
        place_side(planner, relation, MR_JOIN_RIGHT, &config->sides[MR_JOIN_RIGHT], fields, count);
    mr_type *key_types = mr_arena_zalloc(planner->arena, join->keys_count, sizeof *key_types);
    for (uint32_t k = 0; k < join->keys_count; k++)
        key_types[k] =
            mr_type_nullable(relation->inputs[0]->columns[join->left_keys[k]].type, true);
    config->keys_count = join->keys_count;
    config->key_types = key_types;
    config->lower_ms = join->lower_ms;
    config->upper_ms = join->upper_ms;
    config->bucket_ms = mr_interval_join_bucket_ms(join->lower_ms, join->upper_ms);
    config->is_left_outer = join->is_left_outer;
    config->time_side = MR_JOIN_LEFT;
    mr_origin *inputs = mr_arena_zalloc(planner->arena, 2, sizeof *inputs);
    for (uint32_t i = 0; i < 2; i++)
        inputs[i] = mr_planned_of(planner, relation->inputs[i])->origin;
    planned->schema = (mr_schema){.columns_count = count, .columns = fields};
    if (join->residual != NULL)
        config->residual = mr_plan_rewrite(planner, relation, join->residual);
    planned->origin =
        mr_plan_add_node(planner, (mr_plan_node){.id = relation->id,
                                                 .class = &mr_interval_join_class,
                                                 .config = config,
                                                 .inputs_count = 2,
                                                 .inputs = inputs,
                                                 .schema = planned->schema,
                                                 .errors = relation->errors,
                                                 .details = details_of(planner, join)});
    mr_plan_note_key(planner, relation);
}
