#include "jobs/plan/binder/query/group_window.h"

#include "engine/base/buffer.h"
#include "jobs/sql/unparse.h"

#include <string.h>
#include <strings.h>

typedef struct window_row {
    const char *name;
    mr_ast_window_kind kind;
    uint32_t args_count;
    const char *usage;
} window_row;

static const window_row windows[] = {
    {"TUMBLE", MR_AST_TUMBLE, 2, "GROUP BY TUMBLE(ts, size)"},
    {"HOP", MR_AST_HOP, 3, "GROUP BY HOP(ts, slide, size)"},
    {"SESSION", MR_AST_SESSION, 2, "GROUP BY SESSION(ts, gap)"},
};

#define WINDOWS (sizeof windows / sizeof *windows)

static const window_row *window_of(const mr_ast_expr *ast)
{
    if (ast->kind != MR_AST_CALL || ast->call.over != NULL)
        return NULL;
    for (size_t i = 0; i < WINDOWS; i++)
        if (strcasecmp(ast->call.name.text, windows[i].name) == 0)
            return &windows[i];
    return NULL;
}

bool mr_is_group_window(const mr_ast_expr *ast)
{
    return window_of(ast) != NULL;
}

/* ---- FROM ---- */

static bool check_call(mr_binder *binder, const mr_ast_select *select, const mr_ast_expr *call,
                       const window_row *row)
{
    mr_diagnostics *list = binder->diagnostics;
    if (call->call.args.count != row->args_count ||
        call->call.args.items[0]->kind != MR_AST_COLUMN) {
        mr_diagnostics_report(list, MR_E_WINDOW_ARGUMENT, call->span,
                              "wrong arguments of the window %s", row->name);
        mr_diagnostics_label(list, "write %s with a time column and intervals", row->usage);
        return false;
    }
    for (uint32_t i = 0; i < select->group_by.count; i++) {
        const mr_ast_expr *other = select->group_by.items[i];
        if (other == call || window_of(other) == NULL)
            continue;
        mr_diagnostics_report(list, MR_E_WINDOW_GROUP, other->span, "GROUP BY takes one window");
        return false;
    }
    if (select->from->kind != MR_AST_REF_JOIN)
        return true;
    mr_diagnostics_report(list, MR_E_UNSUPPORTED_QUERY, call->span,
                          "a window in GROUP BY over a join is not supported");
    mr_diagnostics_hint(list,
                        "put the join into a view: FROM TABLE(%s(TABLE v, DESCRIPTOR(ts), "
                        "..)) GROUP BY window_start, window_end, ..",
                        row->name);
    return false;
}

static mr_ast_name alias_of(const mr_ast_ref *from)
{
    if (from->alias.text != NULL || from->kind != MR_AST_REF_TABLE)
        return from->alias;
    return from->table.parts[from->table.count - 1];
}

/* (SELECT * FROM from WHERE where) under the name that `from` has. */
static mr_ast_ref *filtered(mr_binder *binder, const mr_ast_select *select)
{
    mr_ast_query *query = mr_arena_zalloc(binder->arena, 1, sizeof *query);
    mr_ast_expr *star = mr_arena_zalloc(binder->arena, 1, sizeof *star);
    mr_ast_item *item = mr_arena_zalloc(binder->arena, 1, sizeof *item);
    mr_ast_ref *ref = mr_arena_zalloc(binder->arena, 1, sizeof *ref);
    *star = (mr_ast_expr){.kind = MR_AST_STAR, .span = select->from->span, .depth = 1};
    *item = (mr_ast_item){.expr = star, .span = star->span};
    *query = (mr_ast_query){
        .kind = MR_AST_SELECT,
        .span = select->from->span,
        .depth = select->from->depth + 1,
        .select = {.items = item, .items_count = 1, .from = select->from, .where = select->where}};
    *ref = (mr_ast_ref){.kind = MR_AST_REF_SUBQUERY,
                        .span = select->from->span,
                        .depth = query->depth + 1,
                        .alias = alias_of(select->from),
                        .query = query};
    return ref;
}

/* A SESSION is made for the other keys. */
static mr_ast_list other_keys(mr_binder *binder, const mr_ast_select *select,
                              const mr_ast_expr *call)
{
    mr_ast_list keys = {
        .items = mr_arena_zalloc(binder->arena, select->group_by.count, sizeof *keys.items)};
    for (uint32_t i = 0; i < select->group_by.count; i++)
        if (select->group_by.items[i] != call)
            keys.items[keys.count++] = select->group_by.items[i];
    return keys;
}

const mr_ast_ref *mr_group_window_from(mr_binder *binder, const mr_ast_select *select)
{
    const mr_ast_expr *call = NULL;
    for (uint32_t i = 0; i < select->group_by.count && call == NULL; i++)
        if (window_of(select->group_by.items[i]) != NULL)
            call = select->group_by.items[i];
    if (call == NULL)
        return select->from;
    const window_row *row = window_of(call);
    if (!check_call(binder, select, call, row))
        return NULL;
    mr_ast_expr **args = call->call.args.items;
    mr_ast_ref *ref = mr_arena_zalloc(binder->arena, 1, sizeof *ref);
    *ref = (mr_ast_ref){
        .kind = MR_AST_REF_WINDOW,
        .span = select->from->span,
        .depth = select->from->depth + 1,
        .alias = alias_of(select->from),
        .window = {.kind = row->kind,
                   .function = call->call.name,
                   .input = select->where != NULL ? filtered(binder, select) : select->from,
                   .column = args[0]->path,
                   .descriptor_span = args[0]->span,
                   .size = args[row->args_count - 1],
                   .step = row->kind == MR_AST_HOP ? args[1] : NULL}};
    if (row->kind == MR_AST_SESSION)
        ref->window.partition_by = other_keys(binder, select, call);
    return ref;
}

/* ---- bounds ---- */

typedef struct bound_row {
    const char *suffix;
    mr_column_role role; /* NONE: there is none */
} bound_row;

static const bound_row bounds[] = {
    {"_START", MR_ROLE_WINDOW_START},
    {"_END", MR_ROLE_WINDOW_END},
    {"_ROWTIME", MR_ROLE_WINDOW_TIME},
    {"_PROCTIME", MR_ROLE_NONE},
};

/* The window and the bound that a function's name means; NULL: neither. */
static const bound_row *bound_of(const char *name, const window_row **window)
{
    for (size_t w = 0; w < WINDOWS; w++) {
        size_t length = strlen(windows[w].name);
        *window = &windows[w];
        for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
            if (strncasecmp(name, windows[w].name, length) == 0 &&
                strcasecmp(name + length, bounds[b].suffix) == 0)
                return &bounds[b];
    }
    return NULL;
}

/* The time column, with or without the relation's name, and equal intervals. */
static bool same_arguments(const mr_ast_call *a, const mr_ast_call *b)
{
    bool is_same = a->args.count == b->args.count && a->args.count > 0 &&
                   a->args.items[0]->kind == MR_AST_COLUMN &&
                   b->args.items[0]->kind == MR_AST_COLUMN;
    if (is_same) {
        const mr_ast_path *left = &a->args.items[0]->path, *right = &b->args.items[0]->path;
        is_same =
            strcmp(left->parts[left->count - 1].text, right->parts[right->count - 1].text) == 0;
    }
    for (uint32_t i = 1; is_same && i < a->args.count; i++) {
        mr_buffer left = {0}, right = {0};
        mr_unparse_expr(&left, a->args.items[i]);
        mr_unparse_expr(&right, b->args.items[i]);
        is_same = left.length == right.length && memcmp(left.data, right.data, left.length) == 0;
        mr_buffer_release(&left);
        mr_buffer_release(&right);
    }
    return is_same;
}

bool mr_group_window_part(mr_binder *binder, const mr_ast_expr *window, const mr_ast_expr *ast,
                          mr_column_role *role)
{
    mr_diagnostics *list = binder->diagnostics;
    *role = MR_ROLE_NONE;
    if (ast->kind != MR_AST_CALL)
        return false;
    const window_row *of = window_of(ast);
    const char *name = ast->call.name.text;
    if (of != NULL) {
        mr_diagnostics_report(list, MR_E_WINDOW_GROUP, ast->span,
                              "%s(..) may only stand in GROUP BY or FROM", of->name);
        mr_diagnostics_hint(list,
                            "%s_START, %s_END and %s_ROWTIME with the same arguments are "
                            "its bounds",
                            of->name, of->name, of->name);
        return true;
    }
    const bound_row *bound = bound_of(name, &of);
    if (bound == NULL)
        return false;
    if (bound->role == MR_ROLE_NONE) {
        mr_diagnostics_report(list, MR_E_UNSUPPORTED_FUNCTION, ast->span,
                              "processing time is not supported yet");
        mr_diagnostics_hint(list, "%s_ROWTIME is the window's last instant", of->name);
    } else if (window == NULL || window_of(window) != of ||
               !same_arguments(&window->call, &ast->call)) {
        mr_diagnostics_report(list, MR_E_WINDOW_GROUP, ast->span,
                              "%s(..) belongs to no window in GROUP BY", name);
        mr_diagnostics_hint(list,
                            "%s, and %s%s with the same arguments; or window_start, "
                            "window_end, window_time of FROM TABLE(%s(TABLE t, "
                            "DESCRIPTOR(ts), ..))",
                            of->usage, of->name, bound->suffix, of->name);
    } else {
        *role = bound->role;
    }
    return true;
}
