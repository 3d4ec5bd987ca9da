#include "jobs/plan/binder/expr/scope.h"
#include "jobs/plan/binder/query/group.h"

#include "jobs/sql/suggest.h"

#include <string.h>

/* How well parts [from, count) of a path fit a column: exact, a ROW above it, below a scalar. */
typedef enum fit { FIT_NONE = 0, FIT_EXACT, FIT_ABOVE, FIT_BELOW } fit;

static fit fit_of(const mr_relation_column *column, const mr_ast_path *path, uint32_t from)
{
    if (column->name == NULL || strcmp(column->name, path->parts[from].text) != 0)
        return FIT_NONE;
    uint32_t rest = path->count - from - 1;
    for (uint32_t i = 0; i < rest && i < column->path_length; i++)
        if (strcmp(column->path[i], path->parts[from + 1 + i].text) != 0)
            return FIT_NONE;
    if (rest == column->path_length)
        return FIT_EXACT;
    return rest < column->path_length ? FIT_ABOVE : FIT_BELOW;
}

typedef struct lookup {
    uint32_t column;
    uint32_t exact, above, below; /* how many columns fit so */
} lookup;

static lookup look_up(const mr_scope *scope, const mr_ast_path *path, uint32_t from)
{
    lookup found = {.column = UINT32_MAX};
    for (uint32_t i = 0; i < scope->relation->columns_count; i++) {
        fit how = fit_of(&scope->relation->columns[i], path, from);
        found.exact += how == FIT_EXACT;
        found.above += how == FIT_ABOVE;
        found.below += how == FIT_BELOW;
        if (how == FIT_EXACT && found.column == UINT32_MAX)
            found.column = i;
    }
    return found;
}

/* First part of the path that names a column: 1 behind the alias, else 0. */
static uint32_t start_of(const mr_scope *scope, const mr_ast_path *path)
{
    return path->count > 1 && scope->alias != NULL && strcmp(scope->alias, path->parts[0].text) == 0
               ? 1
               : 0;
}

uint32_t mr_find_column(const mr_scope *scope, const mr_ast_path *path)
{
    uint32_t from = start_of(scope, path);
    lookup found = look_up(scope, path, from);
    if (found.exact == 0 && from == 1)
        found = look_up(scope, path, 0);
    return found.exact == 1 ? found.column : UINT32_MAX;
}

static void report_unknown(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path,
                           uint32_t from)
{
    const mr_relation *relation = scope->relation;
    const char *name = path->parts[from].text;
    const char **known = mr_arena_zalloc(binder->arena, relation->columns_count, sizeof *known);
    for (uint32_t i = 0; i < relation->columns_count; i++)
        known[i] = relation->columns[i].name;
    if (path->count > 1 && from == 0 && scope->alias != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_COLUMN, path->parts[0].span,
                              "no relation or column `%s` here", name);
        mr_diagnostics_label(binder->diagnostics, "FROM gives `%s`", scope->alias);
        return;
    }
    mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_COLUMN, path->parts[from].span,
                          scope->alias != NULL ? "no column `%s` in `%s`" : "no column `%s`%s",
                          name, scope->alias != NULL ? scope->alias : "");
    const char *nearest = mr_suggest(name, known, relation->columns_count);
    if (nearest != NULL && strcmp(nearest, name) != 0)
        mr_diagnostics_label(binder->diagnostics, "did you mean `%s`?", nearest);
}

/* The ROW column is there, its field is not. */
static bool report_field(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path,
                         uint32_t from)
{
    const mr_relation *relation = scope->relation;
    const char **known = mr_arena_zalloc(binder->arena, relation->columns_count, sizeof *known);
    uint32_t count = 0;
    for (uint32_t i = 0; i < relation->columns_count; i++) {
        const mr_relation_column *column = &relation->columns[i];
        if (column->path_length > 0 && strcmp(column->name, path->parts[from].text) == 0)
            known[count++] = column->path[column->path_length - 1];
    }
    if (count == 0 || path->count - from < 2)
        return false;
    const mr_ast_name *field = &path->parts[path->count - 1];
    mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_COLUMN, field->span,
                          "no field `%s` in ROW `%s`", field->text, path->parts[from].text);
    const char *nearest = mr_suggest(field->text, known, count);
    if (nearest != NULL)
        mr_diagnostics_label(binder->diagnostics, "did you mean `%s`?", nearest);
    return true;
}

uint32_t mr_bind_column(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path)
{
    mr_diagnostics *list = binder->diagnostics;
    uint32_t from = start_of(scope, path);
    lookup found = look_up(scope, path, from);
    if (found.exact + found.above + found.below == 0 && from == 1) {
        lookup other = look_up(scope, path, 0);
        if (other.exact + other.above > 0) {
            found = other;
            from = 0;
        }
    }
    if (found.exact == 1)
        return found.column;
    if (found.exact > 1) {
        mr_diagnostics_report(list, MR_E_AMBIGUOUS_COLUMN, path->span,
                              "`%s` is the name of %u columns here", path->parts[from].text,
                              found.exact);
        mr_diagnostics_hint(list, "give one of them another name with AS");
    } else if (found.above > 0) {
        mr_diagnostics_report(list, MR_E_WHOLE_ROW, path->span,
                              "`%s` is a ROW and cannot be used as a whole yet",
                              path->parts[path->count - 1].text);
        mr_diagnostics_label(list, "name one of its fields");
    } else if (found.below > 0) {
        mr_diagnostics_report(list, MR_E_UNKNOWN_COLUMN, path->span, "`%s` is no ROW",
                              path->parts[from].text);
    } else if (!report_field(binder, scope, path, from)) {
        report_unknown(binder, scope, path, from);
    }
    return UINT32_MAX;
}
