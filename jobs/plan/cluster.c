#include "jobs/plan/cluster.h"

#include "connectors/kafka/client/settings.h"
#include "jobs/plan/options/substitute.h"
#include "jobs/sql/suggest.h"

#include <string.h>

typedef struct properties {
    mr_cluster_property *items;
    uint32_t count;
} properties;

static mr_cluster_property *find(const properties *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

/* What a name that nobody knows may have been meant to be. */
static void hint_name(mr_diagnostics *diagnostics, const char *name)
{
    mr_arena arena = {0};
    size_t count;
    const char *const *names = mr_kafka_settings_names(&arena, &count);
    const char *nearest = mr_suggest(name, names, count);
    if (nearest != NULL)
        mr_diagnostics_hint(diagnostics, "did you mean `%s`?", nearest);
    mr_arena_release(&arena);
}

static void check(mr_diagnostics *diagnostics, const mr_cluster_property *property, bool is_hidden,
                  mr_span span)
{
    mr_error err;
    mr_status status = is_hidden
                           ? mr_kafka_settings_check_secret(property->name, property->value, &err)
                           : mr_kafka_settings_check(property->name, property->value, &err);
    if (status == MR_OK)
        return;
    mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, span, "%s", err.message);
    if (!mr_kafka_settings_is_known(property->name))
        hint_name(diagnostics, property->name);
}

static void add_option(const mr_binder *binder, const mr_table *table, const mr_option *option,
                       properties *list, mr_cluster *cluster)
{
    const char *name = option->key + strlen("properties.");
    if (strcmp(name, "group.id") == 0)
        return; /* says whose offsets to start from */
    bool is_bootstrap = strcmp(name, "bootstrap.servers") == 0;
    mr_cluster_property *known = find(list, name);
    const char *before = is_bootstrap ? cluster->bootstrap : known != NULL ? known->value : NULL;
    if (before != NULL && strcmp(before, option->text) != 0 &&
        (known == NULL || known->table != NULL)) {
        mr_diagnostics_report(binder->diagnostics, MR_E_OPTION_CONFLICT, option->value_span,
                              "another table has another '%s'", option->key);
        mr_diagnostics_hint(binder->diagnostics, "all Kafka tables of a job lie in one cluster");
        return;
    }
    if (is_bootstrap)
        cluster->bootstrap = option->text;
    else if (known == NULL) {
        mr_cluster_property *added = &list->items[list->count++];
        *added = (mr_cluster_property){.name = name,
                                       .value = option->text,
                                       .table = table->name,
                                       .is_secret = option->is_secret};
        check(binder->diagnostics, added, option->is_secret || option->is_substituted,
              option->key_span);
    }
}

static uint32_t count_options(const mr_binder *binder)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < binder->names.count; i++)
        if (binder->names.items[i]->table != NULL)
            count += binder->names.items[i]->table->options.count;
    return count;
}

static void add_extra(const mr_binder *binder, const char *text, properties *list)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return; /* the command line has said so */
    const char *name = mr_arena_string(binder->arena, text, (size_t)(equals - text));
    mr_cluster_property *added = &list->items[list->count++];
    *added = (mr_cluster_property){
        .name = name, .value = equals + 1, .is_secret = mr_option_is_secret(name)};
    /* Its value stands in no script that could be shown: it is not shown either. */
    check(binder->diagnostics, added, true, (mr_span){0});
}

mr_cluster mr_cluster_read(const mr_binder *binder, const char *const *extra, uint32_t extra_count)
{
    mr_cluster cluster = {0};
    uint32_t room = count_options(binder) + extra_count;
    properties list = {.items = mr_arena_zalloc(binder->arena, room, sizeof *list.items)};
    for (uint32_t i = 0; i < extra_count; i++)
        add_extra(binder, extra[i], &list);
    for (uint32_t i = 0; i < binder->names.count; i++) {
        const mr_table *table = binder->names.items[i]->table;
        for (uint32_t o = 0; table != NULL && o < table->options.count; o++)
            if (strncmp(table->options.items[o].key, "properties.", 11) == 0)
                add_option(binder, table, &table->options.items[o], &list, &cluster);
    }
    const char **flat = mr_arena_zalloc(binder->arena, list.count * 2U + 1, sizeof *flat);
    for (uint32_t i = 0; i < list.count; i++) {
        flat[2 * i] = list.items[i].name;
        flat[2 * i + 1] = list.items[i].value;
    }
    cluster.properties = flat;
    cluster.facts = list.items;
    cluster.facts_count = list.count;
    return cluster;
}
