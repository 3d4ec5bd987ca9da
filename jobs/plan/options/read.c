#include "jobs/plan/options/read.h"

#include "jobs/plan/options/substitute.h"

#include <string.h>

static void report_unknown(const mr_option_reading *reading, const mr_ast_option *given)
{
    mr_diagnostics *list = reading->diagnostics;
    mr_diagnostics_report(
        list, reading->unknown, given->key.span, "%s has no %s `%s`", reading->owner,
        reading->unknown == MR_W_UNKNOWN_SETTING ? "setting" : "option", given->key.text);
    const char *nearest = mr_option_nearest(reading->lists, reading->lists_count, given->key.text);
    if (nearest != NULL)
        mr_diagnostics_label(list, "did you mean `%s`?", nearest);
}

/* False: reported. */
static bool read_value(const mr_option_reading *reading, const mr_ast_option *given,
                       mr_option *option)
{
    mr_diagnostics *list = reading->diagnostics;
    mr_substitution value = mr_substitute(given->value.text, reading->arena);
    if (value.text == NULL) {
        mr_diagnostics_report(list, MR_E_VARIABLE, given->value.span, "%s", value.problem);
        if (value.hint != NULL)
            mr_diagnostics_hint(list, "%s", value.hint);
        return false;
    }
    option->text = value.text;
    option->is_substituted = value.text != given->value.text;
    option->is_secret = value.is_secret || mr_option_is_secret(option->key);
    char why[512];
    if (mr_option_parse(option->spec, value.text, &option->number, why, sizeof why))
        return true;
    mr_diagnostics_report(list, MR_E_OPTION_VALUE, given->value.span, "wrong value for `%s`: `%s`",
                          option->key, option->is_secret ? MR_SECRET_MASK : value.text);
    mr_diagnostics_hint(list, "%s", why);
    return false;
}

mr_options mr_options_read(const mr_option_reading *reading, const mr_ast_option *given,
                           uint32_t count)
{
    mr_option *items = mr_arena_zalloc(reading->arena, count, sizeof *items);
    mr_options options = {.items = items, .count = 0};
    for (uint32_t i = 0; i < count; i++) {
        const char *key = given[i].key.text;
        const mr_option_spec *spec = mr_option_spec_of(reading->lists, reading->lists_count, key);
        if (spec == NULL) {
            report_unknown(reading, &given[i]);
            continue;
        }
        if (mr_options_find(&options, key) != NULL) {
            mr_diagnostics_report(reading->diagnostics, MR_E_DUPLICATE_NAME, given[i].key.span,
                                  "option `%s` is given twice", key);
            continue;
        }
        mr_option option = {.spec = spec,
                            .key = key,
                            .key_span = given[i].key.span,
                            .value_span = given[i].value.span};
        if (read_value(reading, &given[i], &option))
            items[options.count++] = option;
    }
    return options;
}
