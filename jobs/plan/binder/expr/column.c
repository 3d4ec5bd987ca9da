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

/* Columns [first, end) of the relation. */
typedef struct range {
    uint32_t first, end;
} range;

static range whole_of(const mr_scope *scope)
{
    if (scope->parts_count == 0)
        return (range){0, scope->relation->columns_count};
    const mr_scope_part *last = &scope->parts[scope->parts_count - 1];
    return (range){scope->parts[0].first, last->first + last->count};
}

static lookup look_up(const mr_scope *scope, range among, const mr_ast_path *path, uint32_t from)
{
    lookup found = {.column = UINT32_MAX};
    for (uint32_t i = among.first; i < among.end; i++) {
        fit how = fit_of(&scope->relation->columns[i], path, from);
        found.exact += how == FIT_EXACT;
        found.above += how == FIT_ABOVE;
        found.below += how == FIT_BELOW;
        if (how == FIT_EXACT && found.column == UINT32_MAX)
            found.column = i;
    }
    return found;
}

uint32_t mr_scope_qualifier(const char *alias, const mr_ast_path *name, const mr_ast_path *path,
                            uint32_t count_max)
{
    if (alias == NULL || count_max == 0)
        return 0;
    if (name == NULL)
        return strcmp(alias, path->parts[0].text) == 0 ? 1 : 0;
    uint32_t given = mr_path_default(path), own = mr_path_default(name);
    given = given < count_max ? given : 0;
    for (uint32_t k = name->count - own; k > 0; k--) {
        bool is_same = given + k <= count_max && (given == 0 || k == name->count - own);
        for (uint32_t i = 0; is_same && i < k; i++)
            is_same =
                strcmp(path->parts[given + i].text, name->parts[name->count - k + i].text) == 0;
        if (is_same)
            return given + k;
    }
    return 0;
}

/* First part of the path that names a column: behind what stands for a relation, whose columns
 * *among becomes, else 0. */
static uint32_t start_of(const mr_scope *scope, const mr_ast_path *path, range *among)
{
    *among = whole_of(scope);
    for (uint32_t p = 0; p < scope->parts_count; p++) {
        const mr_scope_part *part = &scope->parts[p];
        uint32_t from = mr_scope_qualifier(part->alias, part->name, path, path->count - 1);
        if (from == 0)
            continue;
        *among = (range){part->first, part->first + part->count};
        return from;
    }
    return mr_scope_qualifier(scope->alias, scope->name, path, path->count - 1);
}

uint32_t mr_find_column(const mr_scope *scope, const mr_ast_path *path)
{
    range among;
    uint32_t from = start_of(scope, path, &among);
    lookup found = look_up(scope, among, path, from);
    if (found.exact == 0 && from > 0)
        found = look_up(scope, whole_of(scope), path, 0);
    return found.exact == 1 ? found.column : UINT32_MAX;
}

/* The aliases that FROM gives: "`a`, `b`"; NULL: none. */
static const char *aliases_of(mr_binder *binder, const mr_scope *scope)
{
    const char *text =
        scope->alias != NULL ? mr_arena_printf(binder->arena, "`%s`", scope->alias) : NULL;
    for (uint32_t p = 0; p < scope->parts_count; p++)
        if (scope->parts[p].alias != NULL)
            text = mr_arena_printf(binder->arena, "%s%s`%s`", text != NULL ? text : "",
                                   text != NULL ? ", " : "", scope->parts[p].alias);
    return text;
}

/* Is it the name that the SELECT gives to a column of its own? */
static bool is_own_alias(const mr_binder *binder, const char *name)
{
    const mr_ast_select *select = binder->select;
    for (uint32_t i = 0; select != NULL && i < select->items_count; i++)
        if (select->items[i].alias.text != NULL && strcmp(select->items[i].alias.text, name) == 0)
            return true;
    return false;
}

static void report_unknown(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path,
                           range among, uint32_t from)
{
    const char *name = path->parts[from].text, *aliases = aliases_of(binder, scope);
    uint32_t count = among.end - among.first;
    const char **known = mr_arena_zalloc(binder->arena, count, sizeof *known);
    for (uint32_t i = 0; i < count; i++)
        known[i] = scope->relation->columns[among.first + i].name;
    if (path->count > 1 && from == 0 && aliases != NULL) {
        mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_COLUMN, path->parts[0].span,
                              "no relation or column `%s` here", name);
        mr_diagnostics_label(binder->diagnostics, "FROM gives %s", aliases);
        return;
    }
    if (from > 0)
        aliases = mr_arena_printf(binder->arena, "`%s`", path->parts[from - 1].text);
    mr_diagnostics_report(binder->diagnostics, MR_E_UNKNOWN_COLUMN, path->parts[from].span,
                          aliases != NULL ? "no column `%s` in %s" : "no column `%s`%s", name,
                          aliases != NULL ? aliases : "");
    static const char *const words[] = {"DISTINCT"};
    const char *nearest = mr_suggest(name, known, count);
    if (path->count == 1 && is_own_alias(binder, name))
        mr_diagnostics_hint(
            binder->diagnostics,
            "`%s` is a name that this SELECT gives: only a query around it knows it", name);
    else if (nearest != NULL && strcmp(nearest, name) != 0)
        mr_diagnostics_label(binder->diagnostics, "did you mean `%s`?", nearest);
    else if (nearest == NULL && mr_suggest(name, words, 1) != NULL)
        mr_diagnostics_label(binder->diagnostics, "did you mean DISTINCT?");
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

/* Which of the joined relations have it: "write `a.x` or `b.x`". */
static void report_ambiguous(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path,
                             uint32_t from, uint32_t count)
{
    const char *name = path->parts[from].text, *ways = NULL;
    mr_diagnostics_report(binder->diagnostics, MR_E_AMBIGUOUS_COLUMN, path->span,
                          "`%s` is the name of %u columns here", name, count);
    for (uint32_t p = 0; from == 0 && p < scope->parts_count; p++) {
        const mr_scope_part *part = &scope->parts[p];
        range among = {part->first, part->first + part->count};
        if (part->alias != NULL && look_up(scope, among, path, from).exact > 0)
            ways = mr_arena_printf(binder->arena, "%s%s`%s.%s`", ways != NULL ? ways : "",
                                   ways != NULL ? " or " : "", part->alias, name);
    }
    if (ways != NULL)
        mr_diagnostics_label(binder->diagnostics, "write %s", ways);
    else
        mr_diagnostics_hint(binder->diagnostics, "give one of them another name with AS");
}

uint32_t mr_bind_column(mr_binder *binder, const mr_scope *scope, const mr_ast_path *path)
{
    mr_diagnostics *list = binder->diagnostics;
    range among;
    uint32_t from = start_of(scope, path, &among);
    lookup found = look_up(scope, among, path, from);
    if (found.exact + found.above + found.below == 0 && from > 0) {
        lookup other = look_up(scope, whole_of(scope), path, 0);
        if (other.exact + other.above > 0) {
            found = other;
            from = 0;
        }
    }
    if (found.exact == 1)
        return found.column;
    if (found.exact > 1) {
        report_ambiguous(binder, scope, path, from, found.exact);
    } else if (found.above > 0) {
        mr_diagnostics_report(list, MR_E_WHOLE_ROW, path->span,
                              "`%s` is a ROW and cannot be used as a whole yet",
                              path->parts[path->count - 1].text);
        mr_diagnostics_label(list, "name one of its fields");
    } else if (found.below > 0) {
        mr_diagnostics_report(list, MR_E_UNKNOWN_COLUMN, path->span, "`%s` is no ROW",
                              path->parts[from].text);
    } else if (!report_field(binder, scope, path, from)) {
        report_unknown(binder, scope, path, among, from);
    }
    return UINT32_MAX;
}
