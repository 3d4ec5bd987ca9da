#include "jobs/plan/catalog/generated.h"

#include "jobs/sql/suggest.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS "fields."
#define NAMES_MAX 256
#define NAME_BYTES_MAX 256

/* `fields.NAME.what`: what stands behind the name, which may hold dots; NULL: another option. */
static const char *split(const char *key, char name[NAME_BYTES_MAX])
{
    const char *end = strrchr(key, '.');
    size_t head = strlen(FIELDS);
    if (strncmp(key, FIELDS, head) != 0 || end < key + head ||
        (size_t)(end - key) - head >= NAME_BYTES_MAX)
        return NULL;
    size_t length = (size_t)(end - key) - head;
    memcpy(name, key + head, length);
    name[length] = '\0';
    return end + 1;
}

static bool check_name(const mr_table *table, const mr_option *option, const char *name,
                       mr_diagnostics *diagnostics)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].kind != MR_AST_COLUMN_PHYSICAL)
            continue;
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
        if (count < NAMES_MAX)
            names[count++] = table->columns[i].name;
    }
    mr_diagnostics_report(diagnostics, MR_E_UNKNOWN_OPTION, option->key_span,
                          "table `%s` has no physical column `%s` to generate", table->name, name);
    const char *nearest = mr_suggest(name, names, count);
    if (nearest != NULL)
        mr_diagnostics_label(diagnostics, "did you mean `%s`?", nearest);
    return false;
}

static const mr_option *of_same_field(const mr_table *table, const char *name, const char *what)
{
    char other[NAME_BYTES_MAX];
    for (uint32_t i = 0; i < table->options.count; i++) {
        const mr_option *option = &table->options.items[i];
        const char *its = split(option->key, other);
        if (its != NULL && strcmp(its, what) == 0 && strcmp(other, name) == 0)
            return option;
    }
    return NULL;
}

static bool read_number(const mr_option *option, double *number, mr_diagnostics *diagnostics)
{
    char *end;
    *number = strtod(option->text, &end);
    if (end != option->text && *end == '\0')
        return true;
    mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, option->value_span,
                          "wrong value for `%s`: a number is expected", option->key);
    return false;
}

/* `low` is the option `what` of the field: it must not lie above its counterpart. */
static bool check_range(const mr_table *table, const mr_option *low, const char *name,
                        const char *counterpart, mr_diagnostics *diagnostics)
{
    double from, to;
    if (!read_number(low, &from, diagnostics))
        return false;
    const mr_option *high = of_same_field(table, name, counterpart);
    char *end;
    to = high != NULL ? strtod(high->text, &end) : from;
    if (from <= to)
        return true;
    mr_diagnostics_report(diagnostics, MR_E_OPTION_VALUE, high->value_span,
                          "`%s` is below `%s`: there is nothing in between", high->key, low->key);
    return false;
}

bool mr_generated_check(const mr_table *table, mr_diagnostics *diagnostics)
{
    bool is_good = true;
    for (uint32_t i = 0; i < table->options.count; i++) {
        const mr_option *option = &table->options.items[i];
        char name[NAME_BYTES_MAX];
        double number;
        const char *what = split(option->key, name);
        if (what == NULL)
            continue;
        if (!check_name(table, option, name, diagnostics))
            is_good = false;
        else if (strcmp(what, "min") == 0)
            is_good &= check_range(table, option, name, "max", diagnostics);
        else if (strcmp(what, "start") == 0)
            is_good &= check_range(table, option, name, "end", diagnostics);
        else if (strcmp(what, "max") == 0)
            is_good &= read_number(option, &number, diagnostics);
    }
    return is_good;
}
