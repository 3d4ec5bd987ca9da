#include "connectors/formats/avro/decode/compile.h"

#include "connectors/formats/avro/decode/lane.h"
#include "connectors/formats/avro/decode/resolve.h"
#include "connectors/formats/codes.h"
#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 200
#define PC_NONE UINT32_MAX
#define SIZE_VISITS_MAX 1000

typedef struct compile {
    mr_avro_program *program;
    mr_error *err;
    uint32_t capacity;
    uint32_t label;     /* the newest place that something jumps to: do not merge across it */
    uint32_t *routines; /* by number of a named type: where its skipping starts */
    const mr_avro_type **pending;
    uint32_t pending_count, named_count;
    char path[PATH_MAX_BYTES];
    const char *kept_path; /* the last copy of it */
    bool is_good;
} compile;

static bool value(compile *c, const mr_avro_type *type, const mr_avro_want *want);
static void skip(compile *c, const mr_avro_type *type);

static bool fail(compile *c, const char *reason)
{
    c->is_good = false;
    (void)mr_error_set(c->err, MR_E_AVRO_RESOLVE, "%s", reason);
    return false;
}

/* For the reason that already stands in the error. */
static bool fail_again(compile *c)
{
    c->is_good = false;
    return false;
}

/* --- emitting --------------------------------------------------------------------------- */

static const char *keep_path(compile *c)
{
    if (c->kept_path == NULL || strcmp(c->kept_path, c->path) != 0)
        c->kept_path = mr_arena_string(&c->program->arena, c->path, strlen(c->path));
    return c->kept_path;
}

static uint32_t emit(compile *c, mr_avro_op op, uint32_t column)
{
    mr_avro_program *p = c->program;
    if (p->count == MR_AVRO_OPS_MAX) {
        if (c->is_good)
            fail(c, "the schema is too large to be read");
        return p->count - 1;
    }
    if (p->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 64 : c->capacity * 2;
        p->ops = realloc(p->ops, c->capacity * sizeof *p->ops);
        p->notes = realloc(p->notes, c->capacity * sizeof *p->notes);
        MR_ASSERT(p->ops != NULL && p->notes != NULL);
    }
    p->ops[p->count] = op;
    p->notes[p->count] = (mr_avro_note){.column = column, .path = keep_path(c)};
    return p->count++;
}

static uint32_t emit_code(compile *c, mr_avro_code code, int64_t limit)
{
    return emit(c, (mr_avro_op){.code = (uint8_t)code, .limit = limit}, MR_AVRO_COLUMN_NONE);
}

static uint32_t here(compile *c)
{
    c->label = c->program->count;
    return c->label;
}

static void jump_here(compile *c, uint32_t pc)
{
    c->program->ops[pc].jump = here(c);
}

/* Fixed sizes next to each other are one step. */
static void emit_skip_fixed(compile *c, int64_t size)
{
    mr_avro_program *p = c->program;
    if (size == 0)
        return;
    if (p->count > 0 && c->label != p->count && p->ops[p->count - 1].code == MR_AVRO_OP_SKIP_FIXED)
        p->ops[p->count - 1].limit += size;
    else
        emit_code(c, MR_AVRO_OP_SKIP_FIXED, size);
}

static void emit_fail(compile *c, mr_status code, const char *reason)
{
    mr_avro_refusal *refusal = mr_arena_zalloc(&c->program->arena, 1, sizeof *refusal);
    refusal->code = code;
    refusal->reason = mr_arena_string(&c->program->arena, reason, strlen(reason));
    emit(c, (mr_avro_op){.code = MR_AVRO_OP_FAIL, .table = refusal}, MR_AVRO_COLUMN_NONE);
}

static size_t enter(compile *c, const char *before, const char *name)
{
    size_t length = strlen(c->path);
    bool is_first = length == 0 || c->path[length - 1] == ':';
    snprintf(c->path + length, sizeof c->path - length, "%s%s", is_first ? "" : before, name);
    return length;
}

static void leave(compile *c, size_t length)
{
    c->path[length] = '\0';
}

/* --- what nobody wants ------------------------------------------------------------------ */

/* A lower bound of the bytes of a value, told with few visits: a wide schema gets a lower one. */
static int64_t size_min(const mr_avro_type *type, uint32_t *visits)
{
    int64_t size = 0, least = INT64_MAX;
    if (++*visits > SIZE_VISITS_MAX)
        return 0;
    switch (type->kind) {
    case MR_AVRO_NULL: return 0;
    case MR_AVRO_FLOAT: return 4;
    case MR_AVRO_DOUBLE: return 8;
    case MR_AVRO_FIXED: return type->size;
    case MR_AVRO_RECORD:
        for (uint32_t i = 0; i < type->count; i++)
            size += size_min(type->fields[i].type, visits);
        return size;
    case MR_AVRO_UNION:
        for (uint32_t i = 0; i < type->count; i++) {
            int64_t one = size_min(type->branches[i], visits);
            least = one < least ? one : least;
        }
        return 1 + least;
    default: return 1;
    }
}

static void skip_items(compile *c, const mr_avro_type *type)
{
    bool is_map = type->kind == MR_AVRO_MAP;
    uint32_t visits = 0;
    int64_t least = size_min(type->items, &visits) + (is_map ? 1 : 0);
    uint32_t blocks = emit_code(c, MR_AVRO_OP_BLOCKS, least);
    size_t length = enter(c, "", is_map ? "{}" : "[]");
    uint32_t item = here(c);
    if (is_map)
        emit_code(c, MR_AVRO_OP_SKIP_BYTES, 0);
    skip(c, type->items);
    leave(c, length);
    uint32_t next = emit_code(c, MR_AVRO_OP_NEXT, least);
    c->program->ops[next].jump = item;
    jump_here(c, blocks);
}

static bool is_simple(const mr_avro_type *type)
{
    for (uint32_t i = 0; i < type->count; i++)
        if (type->fields[i].type->kind > MR_AVRO_ENUM)
            return false;
    return type->count <= 16;
}

static void skip_fields(compile *c, const mr_avro_type *type)
{
    for (uint32_t i = 0; i < type->count && c->is_good; i++) {
        size_t length = enter(c, ".", type->fields[i].name);
        skip(c, type->fields[i].type);
        leave(c, length);
    }
}

/* Records of more than plain values are skipped by a routine of their own: they may be recursive,
 * or stand in many places. */
static void skip_record(compile *c, const mr_avro_type *type)
{
    if (is_simple(type)) {
        skip_fields(c, type);
        return;
    }
    if (c->routines[type->number] == PC_NONE) {
        bool is_pending = false;
        for (uint32_t i = 0; i < c->pending_count && !is_pending; i++)
            is_pending = c->pending[i] == type;
        if (!is_pending)
            c->pending[c->pending_count++] = type;
    }
    uint32_t pc = emit_code(c, MR_AVRO_OP_CALL, 0);
    c->program->ops[pc].jump = type->number; /* until all routines have a place */
}

/* Each branch in turn; behind a branch a jump to the end. */
static bool branches(compile *c, const mr_avro_type *type, const mr_avro_want *want);

static void skip(compile *c, const mr_avro_type *type)
{
    if (!c->is_good)
        return;
    switch (type->kind) {
    case MR_AVRO_NULL: return;
    case MR_AVRO_BOOLEAN: emit_code(c, MR_AVRO_OP_SKIP_BOOLEAN, 0); return;
    case MR_AVRO_INT: emit_code(c, MR_AVRO_OP_SKIP_INT, 0); return;
    case MR_AVRO_LONG: emit_code(c, MR_AVRO_OP_SKIP_LONG, 0); return;
    case MR_AVRO_FLOAT: emit_skip_fixed(c, 4); return;
    case MR_AVRO_DOUBLE: emit_skip_fixed(c, 8); return;
    case MR_AVRO_BYTES:
    case MR_AVRO_STRING: emit_code(c, MR_AVRO_OP_SKIP_BYTES, 0); return;
    case MR_AVRO_FIXED: emit_skip_fixed(c, type->size); return;
    case MR_AVRO_ENUM: emit_code(c, MR_AVRO_OP_SKIP_ENUM, type->count); return;
    case MR_AVRO_RECORD: skip_record(c, type); return;
    case MR_AVRO_ARRAY:
    case MR_AVRO_MAP: skip_items(c, type); return;
    case MR_AVRO_UNION: (void)branches(c, type, NULL); return;
    }
}

/* All routines that were asked for, and those they ask for; then every call knows its place. */
static void emit_routines(compile *c)
{
    for (uint32_t i = 0; i < c->pending_count && c->is_good; i++) {
        const mr_avro_type *type = c->pending[i];
        c->routines[type->number] = here(c);
        snprintf(c->path, sizeof c->path, "%s:", type->name);
        skip_fields(c, type);
        emit_code(c, MR_AVRO_OP_RETURN, 0);
    }
    for (uint32_t pc = 0; pc < c->program->count && c->is_good; pc++)
        if (c->program->ops[pc].code == MR_AVRO_OP_CALL)
            c->program->ops[pc].jump = c->routines[c->program->ops[pc].jump];
}

/* --- what somebody wants ---------------------------------------------------------------- */

static bool refuse_type(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    char found[256], wanted[MR_TYPE_NAME_MAX], text[900];
    mr_avro_type_text(type, found, sizeof found);
    if (want->column == MR_AVRO_COLUMN_NONE)
        snprintf(wanted, sizeof wanted, "a record");
    else
        mr_type_name(mr_type_nullable(want->type, true), wanted, sizeof wanted);
    snprintf(text, sizeof text, "%s `%s` cannot be read as %s", found, c->path, wanted);
    return fail(c, text);
}

/* Every column below becomes NULL. */
static void nulls(compile *c, const mr_avro_want *want)
{
    for (uint32_t i = 0; i < want->children_count; i++)
        nulls(c, &want->children[i]);
    if (want->column == MR_AVRO_COLUMN_NONE)
        return;
    if (want->type.is_nullable)
        emit(c, (mr_avro_op){.code = MR_AVRO_OP_NULL}, want->column);
    else
        emit_fail(c, MR_E_FIELD_NULL, "NULL in a NOT NULL column");
}

static bool may_be_missing(const mr_avro_want *want)
{
    if (want->reader_field != NULL ||
        (want->column != MR_AVRO_COLUMN_NONE && !want->type.is_nullable))
        return false;
    for (uint32_t i = 0; i < want->children_count; i++)
        if (!may_be_missing(&want->children[i]))
            return false;
    return true;
}

/* The writer has no such field: the reader's default, else NULL. */
static bool missing(compile *c, const mr_avro_want *want)
{
    char text[400];
    const mr_avro_field *field = want->reader_field;
    if (field != NULL && field->has_default) {
        mr_avro_op op = {.code = MR_AVRO_OP_CONSTANT, .limit = (int64_t)field->default_length};
        op.table = mr_arena_copy(&c->program->arena, field->default_bytes, field->default_length);
        emit(c, op, MR_AVRO_COLUMN_NONE);
        if (!value(c, field->type, want))
            return false;
        emit_code(c, MR_AVRO_OP_CONSTANT_END, 0);
        return true;
    }
    if (may_be_missing(want)) {
        nulls(c, want);
        return true;
    }
    snprintf(text, sizeof text, "there is no field `%s`, %s", c->path,
             field != NULL ? "and the schema given has no default for it"
                           : "and its column is NOT NULL");
    return fail(c, text);
}

static bool is_alias(const mr_avro_want *want, const char *name)
{
    const mr_avro_field *field = want->reader_field;
    for (uint32_t i = 0; field != NULL && i < field->aliases_count; i++)
        if (strcmp(field->aliases[i], name) == 0)
            return true;
    return false;
}

/* Which field of the writer's record each name wanted is: by name first, then by alias. */
static const mr_avro_want **pair_fields(compile *c, const mr_avro_type *type,
                                        const mr_avro_want *want, bool *is_found)
{
    const mr_avro_want **wanted = mr_arena_zalloc(&c->program->arena, type->count, sizeof *wanted);
    for (int by_alias = 0; by_alias < 2; by_alias++)
        for (uint32_t w = 0; w < want->children_count; w++)
            for (uint32_t i = 0; i < type->count && !is_found[w]; i++) {
                const mr_avro_want *child = &want->children[w];
                bool is_it = by_alias ? is_alias(child, type->fields[i].name)
                                      : strcmp(child->name, type->fields[i].name) == 0;
                if (!is_it || wanted[i] != NULL)
                    continue;
                wanted[i] = child;
                is_found[w] = true;
            }
    return wanted;
}

static bool record(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    bool *is_found = mr_arena_zalloc(&c->program->arena, want->children_count, sizeof *is_found);
    const mr_avro_want **wanted = pair_fields(c, type, want, is_found);
    bool is_good = true;
    for (uint32_t i = 0; i < type->count && is_good; i++) {
        size_t length = enter(c, ".", type->fields[i].name);
        is_good = value(c, type->fields[i].type, wanted[i]);
        leave(c, length);
    }
    for (uint32_t w = 0; w < want->children_count && is_good; w++) {
        if (is_found[w])
            continue;
        size_t length = enter(c, ".", want->children[w].name);
        is_good = missing(c, &want->children[w]);
        leave(c, length);
    }
    return is_good;
}

/* One branch of a union. One that cannot be read is an error of the records that have it. */
static bool branch(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    uint32_t before = c->program->count;
    if (want == NULL) {
        skip(c, type);
        return c->is_good;
    }
    if (type->kind == MR_AVRO_NULL) {
        nulls(c, want);
        return true;
    }
    if (value(c, type, want))
        return true;
    if (c->program->count >= MR_AVRO_OPS_MAX)
        return false;
    c->is_good = true;
    c->program->count = before;
    here(c);
    emit_fail(c, MR_E_AVRO_RESOLVE, c->err->message);
    return false;
}

static bool is_option(const mr_avro_type *type)
{
    return type->count == 2 &&
           (type->branches[0]->kind == MR_AVRO_NULL || type->branches[1]->kind == MR_AVRO_NULL);
}

static bool option(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    uint32_t other = type->branches[0]->kind == MR_AVRO_NULL ? 1 : 0;
    uint32_t pc = emit_code(c, MR_AVRO_OP_OPTION, 2);
    c->program->ops[pc].flag = (uint8_t)other;
    bool is_readable = branch(c, type->branches[other], want);
    if (!c->is_good)
        return false;
    if (want == NULL) {
        jump_here(c, pc);
        return true;
    }
    uint32_t jump = emit_code(c, MR_AVRO_OP_JUMP, 0);
    jump_here(c, pc);
    (void)branch(c, type->branches[1 - other], want);
    jump_here(c, jump);
    return is_readable || fail_again(c);
}

static bool branches(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    if (is_option(type))
        return option(c, type, want);
    uint32_t *places = mr_arena_zalloc(&c->program->arena, type->count, sizeof *places);
    uint32_t *jumps = mr_arena_zalloc(&c->program->arena, type->count, sizeof *jumps);
    uint32_t readable = 0, nulls_count = 0;
    mr_avro_op op = {.code = MR_AVRO_OP_UNION, .limit = type->count, .jumps = places};
    emit(c, op, MR_AVRO_COLUMN_NONE);
    for (uint32_t i = 0; i < type->count && c->is_good; i++) {
        places[i] = here(c);
        readable += branch(c, type->branches[i], want);
        nulls_count += type->branches[i]->kind == MR_AVRO_NULL;
        if (c->is_good)
            jumps[i] = emit_code(c, MR_AVRO_OP_JUMP, 0);
    }
    for (uint32_t i = 0; i < type->count && c->is_good; i++)
        jump_here(c, jumps[i]);
    if (!c->is_good)
        return false;
    return want == NULL || readable > nulls_count || nulls_count == type->count || fail_again(c);
}

static bool value(compile *c, const mr_avro_type *type, const mr_avro_want *want)
{
    if (want == NULL) {
        skip(c, type);
        return c->is_good;
    }
    if (type->kind == MR_AVRO_UNION)
        return branches(c, type, want);
    if (type->kind == MR_AVRO_NULL) {
        nulls(c, want);
        return c->is_good;
    }
    if (want->column == MR_AVRO_COLUMN_NONE)
        return type->kind == MR_AVRO_RECORD ? record(c, type, want) : refuse_type(c, type, want);
    mr_avro_op op;
    if (!mr_avro_resolve(type, want, &c->program->arena, &op))
        return refuse_type(c, type, want);
    emit(c, op, want->column);
    return c->is_good;
}

mr_status mr_avro_compile(const mr_avro_schema *writer, const mr_avro_want *top,
                          mr_avro_program *program, mr_error *err)
{
    *program = (mr_avro_program){0};
    compile c = {.program = program, .err = err, .is_good = true};
    c.named_count = writer->named_count;
    c.routines = calloc((size_t)c.named_count + 1, sizeof *c.routines);
    c.pending = calloc((size_t)c.named_count + 1, sizeof(*c.pending));
    MR_ASSERT(c.routines != NULL && c.pending != NULL);
    for (uint32_t i = 0; i < c.named_count; i++)
        c.routines[i] = PC_NONE;
    if (writer->type->kind != MR_AVRO_RECORD && top->children_count > 0)
        refuse_type(&c, writer->type, top);
    else if (top->children_count > 0)
        (void)record(&c, writer->type, top);
    else if (writer->type->kind == MR_AVRO_RECORD)
        skip_fields(&c, writer->type);
    else
        skip(&c, writer->type);
    emit_code(&c, MR_AVRO_OP_END, 0);
    emit_routines(&c);
    if (c.is_good)
        mr_avro_lane_build(program);
    free(c.routines);
    free((void *)c.pending);
    return c.is_good ? MR_OK : MR_E_AVRO_RESOLVE;
}

void mr_avro_program_release(mr_avro_program *program)
{
    mr_arena_release(&program->arena);
    free(program->ops);
    free(program->notes);
    *program = (mr_avro_program){0};
}
