/* FROM with joins to relations, and where each condition of ON and WHERE goes. */
#include "jobs/plan/binder/query/join.h"

#include <string.h>

#define LEAVES_MAX 64

typedef struct joining {
    mr_binder *binder;
    const mr_ast_ref *leaves[LEAVES_MAX];
    mr_relation *relations[LEAVES_MAX];
    mr_scope_part parts[LEAVES_MAX];
    uint32_t count;
    uint32_t next; /* leaf, while the tree is walked again */
    mr_scope all;
} joining;

/* ---- the relations side by side ---- */

static bool refuse(mr_binder *binder, mr_span span, const char *what, const char *hint)
{
    mr_diagnostics_report(binder->diagnostics, MR_E_UNSUPPORTED_JOIN, span, "%s", what);
    mr_diagnostics_hint(binder->diagnostics, "%s", hint);
    return false;
}

static bool check_kind(mr_binder *binder, const mr_ast_ref *ref)
{
    if (ref->join.kind == MR_AST_JOIN_RIGHT)
        return refuse(binder, ref->join.span, "RIGHT JOIN is not supported yet",
                      "with its sides exchanged it is a LEFT JOIN");
    if (ref->join.kind == MR_AST_JOIN_FULL)
        return refuse(binder, ref->join.span, "FULL JOIN is not supported yet",
                      "INNER and LEFT interval joins are");
    if (ref->join.is_natural)
        return refuse(binder, ref->join.span, "NATURAL JOIN is not supported",
                      "name the columns: ON l.k = r.k AND ..");
    if (ref->join.using.count > 0)
        return refuse(binder, ref->join.using.items[0].span, "USING is not supported yet",
                      "name the columns: ON l.k = r.k AND ..");
    return true;
}

static uint32_t count_leaves(const mr_ast_ref *ref)
{
    if (ref->kind != MR_AST_REF_JOIN)
        return 1;
    return count_leaves(ref->join.left) + count_leaves(ref->join.right);
}

static bool flatten(joining *j, const mr_ast_ref *ref)
{
    if (ref->kind == MR_AST_REF_JOIN) {
        bool is_good = check_kind(j->binder, ref);
        is_good &= flatten(j, ref->join.left);
        return flatten(j, ref->join.right) && is_good;
    }
    if (j->count == LEAVES_MAX)
        return refuse(j->binder, ref->span, "too many joins in one FROM",
                      "put some of them into a view");
    j->leaves[j->count++] = ref;
    return true;
}

static bool check_alias(const joining *j, uint32_t leaf, const char *alias)
{
    for (uint32_t i = 0; alias != NULL && i < leaf; i++) {
        if (j->parts[i].alias == NULL || strcmp(j->parts[i].alias, alias) != 0)
            continue;
        mr_diagnostics_report(j->binder->diagnostics, MR_E_DUPLICATE_NAME, j->leaves[leaf]->span,
                              "`%s` stands in FROM twice", alias);
        mr_diagnostics_label(j->binder->diagnostics, "give it an alias: %s AS other", alias);
        return false;
    }
    return true;
}

static bool bind_leaves(joining *j)
{
    bool is_good = true;
    uint32_t first = 0;
    for (uint32_t i = 0; i < j->count; i++) {
        mr_scope scope;
        if (!mr_bind_ref(j->binder, j->leaves[i], &scope) ||
            !mr_bind_is_plain(j->binder, scope.relation, j->leaves[i]->span)) {
            is_good = false;
            continue;
        }
        is_good &= check_alias(j, i, scope.alias);
        j->relations[i] = j->binder->relations.items[scope.relation->number];
        j->parts[i] = (mr_scope_part){.alias = scope.alias,
                                      .name = scope.name,
                                      .first = first,
                                      .count = scope.relation->columns_count};
        first += scope.relation->columns_count;
    }
    return is_good;
}

/* Right sides of LEFT may be NULL wherever they are named. */
static uint32_t note_nullable(const mr_ast_ref *ref, bool is_nullable, bool *leaves, uint32_t leaf)
{
    if (ref->kind != MR_AST_REF_JOIN) {
        leaves[leaf] = is_nullable;
        return leaf + 1;
    }
    leaf = note_nullable(ref->join.left, is_nullable, leaves, leaf);
    return note_nullable(ref->join.right, is_nullable || ref->join.kind == MR_AST_JOIN_LEFT, leaves,
                         leaf);
}

/* What conditions are bound over. It is never planned. */
static void make_scope(joining *j, const mr_ast_ref *ref)
{
    bool is_nullable[LEAVES_MAX] = {false};
    note_nullable(ref, false, is_nullable, 0);
    const mr_scope_part *last = &j->parts[j->count - 1];
    mr_relation *all = mr_relation_new(&j->binder->relations, j->binder->arena, MR_RELATION_JOIN,
                                       j->relations, 0, last->first + last->count);
    for (uint32_t i = 0; i < j->count; i++)
        for (uint32_t c = 0; c < j->parts[i].count; c++) {
            mr_relation_column *column = &all->columns[j->parts[i].first + c];
            *column = j->relations[i]->columns[c];
            column->type.is_nullable |= is_nullable[i];
        }
    j->all = (mr_scope){.relation = all,
                        .clause = "WHERE",
                        .parts = mr_arena_copy(j->binder->arena, j->parts, sizeof j->parts),
                        .parts_count = j->count};
}

/* ---- conditions ---- */

static void columns_read(const mr_expr *expr, mr_join_part *part)
{
    if (expr->kind == MR_EXPR_COLUMN) {
        part->first = expr->column < part->first ? expr->column : part->first;
        part->last = expr->column > part->last ? expr->column : part->last;
    }
    for (uint32_t i = 0; i < expr->args_count; i++)
        columns_read(expr->args[i], part);
}

static uint32_t count_parts(const mr_ast_expr *ast)
{
    uint32_t count = 0;
    if (ast->kind != MR_AST_AND)
        return 1;
    for (uint32_t i = 0; i < ast->list.count; i++)
        count += count_parts(ast->list.items[i]);
    return count;
}

static bool bind_parts(mr_binder *binder, const mr_scope *scope, const mr_ast_expr *ast,
                       mr_join_parts *to)
{
    if (ast->kind == MR_AST_AND) {
        bool is_good = true;
        for (uint32_t i = 0; i < ast->list.count; i++)
            is_good &= bind_parts(binder, scope, ast->list.items[i], to);
        return is_good;
    }
    mr_join_part part = {.ast = ast, .scope = scope, .first = UINT32_MAX};
    part.expr = mr_bind_condition(binder, scope, ast);
    if (part.expr == NULL)
        return false;
    columns_read(part.expr, &part);
    to->items[to->count++] = part;
    return true;
}

static mr_join_parts new_parts(mr_binder *binder, uint32_t room)
{
    return (mr_join_parts){.items = mr_arena_zalloc(binder->arena, room, sizeof(mr_join_part))};
}

static mr_relation *filter(mr_binder *binder, mr_relation *input, const mr_join_parts *parts,
                           uint32_t base)
{
    const mr_expr *all = mr_join_all_of(binder, parts, base);
    return all != NULL ? mr_bind_filter(binder, input, all, "where") : input;
}

/* ---- one join ---- */

typedef struct sides {
    mr_join_place place;
    mr_join_parts left, right, both, above;
} sides;

/* Where a condition goes. Of LEFT, rows without a partner must stay: only what ON says about the
 * right side may be asked below, and only what WHERE says about the left one. */
static void hand_out(sides *s, const mr_join_part *part, bool is_outer, bool is_on)
{
    bool is_left = part->first <= part->last && part->last < s->place.right;
    bool is_right = part->first <= part->last && part->first >= s->place.right;
    mr_join_parts *to = &s->both;
    if (is_left && (!is_outer || !is_on))
        to = &s->left;
    else if (is_right && (!is_outer || is_on))
        to = &s->right;
    else if (is_outer && !is_on)
        to = &s->above;
    to->items[to->count++] = *part;
}

/* The side's relation with its times as they are needed and its computed keys behind its columns;
 * keys[] become columns of it. */
static mr_relation *prepare(joining *j, mr_relation *input, uint32_t base, uint32_t time,
                            const mr_expr *const *exprs, uint32_t count, uint32_t *keys)
{
    mr_binder *binder = j->binder;
    input = mr_bind_retimed(binder, input, time - base);
    uint32_t own = input->columns_count, computed = 0;
    for (uint32_t k = 0; k < count; k++)
        keys[k] = exprs[k]->kind == MR_EXPR_COLUMN ? exprs[k]->column - base : own + computed++;
    if (computed == 0)
        return input;
    mr_relation *project = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_PROJECT,
                                           &input, 1, own + computed);
    project->is_extension = true;
    project->id = mr_binder_id(binder, "keys");
    project->exprs = mr_arena_zalloc(binder->arena, own + computed, sizeof *project->exprs);
    memcpy(project->columns, input->columns, own * sizeof *input->columns);
    for (uint32_t i = 0; i < own; i++)
        project->exprs[i] = mr_make_column(&binder->resolver, i, input->columns[i].type);
    for (uint32_t k = 0; k < count; k++)
        if (keys[k] >= own) {
            project->exprs[keys[k]] = mr_join_shift(binder, exprs[k], base);
            project->columns[keys[k]] =
                (mr_relation_column){.name = mr_arena_printf(binder->arena, "$%u", keys[k] - own),
                                     .type = exprs[k]->type};
        }
    return project;
}

static void name_columns(mr_relation *made, const mr_relation *left, const mr_relation *right,
                         const mr_join_spec *spec, const mr_join_place *place,
                         const mr_join_terms *terms)
{
    for (uint32_t i = 0; i < made->columns_count; i++) {
        bool is_left = i < spec->left_count;
        mr_relation_column *column = &made->columns[i];
        *column = is_left ? left->columns[i] : right->columns[i - spec->left_count];
        column->type.is_nullable |= !is_left && spec->is_left_outer;
        if (mr_role_is_time(column->role))
            column->role = MR_ROLE_NONE;
        if (i + place->left == terms->left_time)
            column->role = MR_ROLE_TIME;
        else if (i + place->left == terms->right_time)
            column->role = MR_ROLE_OTHER_TIME;
    }
}

static mr_relation *make_join(joining *j, const mr_ast_ref *ref, const sides *s, mr_relation *left,
                              mr_relation *right)
{
    mr_binder *binder = j->binder;
    const mr_join_place *place = &s->place;
    mr_join_terms terms;
    if (!mr_join_classify(binder, &j->all, place, &s->both, &terms))
        return NULL;
    mr_join_spec *spec = mr_arena_zalloc(binder->arena, 1, sizeof *spec);
    uint32_t *left_keys = mr_arena_zalloc(binder->arena, terms.keys_count, sizeof *left_keys);
    uint32_t *right_keys = mr_arena_zalloc(binder->arena, terms.keys_count, sizeof *right_keys);
    *spec = (mr_join_spec){.is_left_outer = ref->join.kind == MR_AST_JOIN_LEFT,
                           .lower_ms = terms.lower_ms,
                           .upper_ms = terms.upper_ms,
                           .left_count = left->columns_count,
                           .right_count = right->columns_count,
                           .keys_count = terms.keys_count,
                           .left_keys = left_keys,
                           .right_keys = right_keys,
                           .residual = mr_join_all_of(binder, &terms.residual, place->left),
                           .left_time = mr_join_column_text(binder, &j->all, terms.left_time),
                           .right_time = mr_join_column_text(binder, &j->all, terms.right_time)};
    mr_relation *inputs[] = {prepare(j, left, place->left, terms.left_time, terms.left_keys,
                                     terms.keys_count, left_keys),
                             prepare(j, right, place->right, terms.right_time, terms.right_keys,
                                     terms.keys_count, right_keys)};
    mr_relation *made = mr_relation_new(&binder->relations, binder->arena, MR_RELATION_JOIN, inputs,
                                        2, spec->left_count + spec->right_count);
    name_columns(made, left, right, spec, place, &terms);
    made->join = spec;
    made->span = place->span;
    made->id = mr_binder_id(binder, "join");
    return made;
}

/* The relation of `ref`, whose first column is `base` of the whole FROM, under the conditions that
 * were handed down to it. NULL: reported. */
static mr_relation *build(joining *j, const mr_ast_ref *ref, const mr_join_parts *given)
{
    mr_binder *binder = j->binder;
    if (ref->kind != MR_AST_REF_JOIN) {
        uint32_t leaf = j->next++;
        return filter(binder, j->relations[leaf], given, j->parts[leaf].first);
    }
    uint32_t first = j->next, count = count_leaves(ref);
    const mr_scope_part *last = &j->parts[first + count - 1];
    uint32_t room = given->count + (ref->join.on != NULL ? count_parts(ref->join.on) : 0);
    sides s = {.place = {.left = j->parts[first].first,
                         .right = j->parts[first + count_leaves(ref->join.left)].first,
                         .end = last->first + last->count,
                         .span = ref->join.span},
               .left = new_parts(binder, room),
               .right = new_parts(binder, room),
               .both = new_parts(binder, room),
               .above = new_parts(binder, room)};
    mr_scope *scope = mr_arena_copy(binder->arena, &j->all, sizeof j->all);
    scope->parts += first;
    scope->parts_count = count;
    scope->clause = "ON";
    mr_join_parts on = new_parts(binder, room);
    bool is_outer = ref->join.kind == MR_AST_JOIN_LEFT;
    if (ref->join.on != NULL && !bind_parts(binder, scope, ref->join.on, &on))
        return NULL;
    for (uint32_t i = 0; i < on.count; i++)
        hand_out(&s, &on.items[i], is_outer, true);
    for (uint32_t i = 0; i < given->count; i++)
        hand_out(&s, &given->items[i], is_outer, false);
    mr_relation *left = build(j, ref->join.left, &s.left);
    mr_relation *right = left != NULL ? build(j, ref->join.right, &s.right) : NULL;
    mr_relation *made = right != NULL ? make_join(j, ref, &s, left, right) : NULL;
    return made != NULL ? filter(binder, made, &s.above, s.place.left) : NULL;
}

bool mr_bind_join(mr_binder *binder, const mr_ast_ref *ref, const mr_ast_expr *where,
                  mr_scope *scope)
{
    joining *j = mr_arena_zalloc(binder->arena, 1, sizeof *j);
    j->binder = binder;
    if (!flatten(j, ref) || !bind_leaves(j))
        return false;
    make_scope(j, ref);
    mr_join_parts given = new_parts(binder, where != NULL ? count_parts(where) : 0);
    if (where != NULL && !bind_parts(binder, &j->all, where, &given))
        return false;
    mr_relation *made = build(j, ref, &given);
    *scope = j->all;
    scope->relation = made;
    scope->clause = "SELECT";
    return made != NULL;
}
