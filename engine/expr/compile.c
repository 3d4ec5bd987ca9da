/*
 * Trees to instructions.
 *
 * Values are numbered: a call whose function, type and argument slots equal an earlier call's, made
 * under the same selection or one that contains it, is that call. Arguments are compiled first, so
 * equal subtrees have equal slots and comparing slots compares trees.
 */
#include "engine/expr/instruction.h"

#include "engine/base/assert.h"
#include "engine/expr/kernels/logic.h"

#include <string.h>

#define NO_SLOT UINT32_MAX
#define ALL 0u

/* What a node was compiled to: trees may share nodes, so that without this a shared node under
 * shared nodes would be walked exponentially often. */
typedef struct memo {
    const mr_expr *expr;
    uint32_t selection, slot;
} memo;

struct compiler {
    mr_program *program;
    mr_arena scratch; /* of folding */
    memo *memos;
    uint32_t memos_count, memos_capacity;
};

static uint32_t slot_add(mr_program *program, mr_slot slot)
{
    if (program->slots_count == program->slots_capacity) {
        uint32_t capacity = program->slots_capacity != 0 ? program->slots_capacity * 2 : 32;
        mr_slot *grown = mr_arena_alloc(&program->arena, capacity * sizeof *grown);
        if (program->slots_count > 0)
            memcpy(grown, program->slots, program->slots_count * sizeof *grown);
        program->slots = grown;
        program->slots_capacity = capacity;
    }
    program->slots[program->slots_count] = slot;
    return program->slots_count++;
}

static uint32_t register_add(mr_program *program, mr_type type)
{
    return slot_add(program, (mr_slot){.kind = MR_SLOT_REGISTER, .type = type});
}

static mr_instruction *emit(mr_program *program, mr_instruction instruction)
{
    if (program->instructions_count == program->instructions_capacity) {
        uint32_t capacity =
            program->instructions_capacity != 0 ? program->instructions_capacity * 2 : 32;
        mr_instruction *grown = mr_arena_alloc(&program->arena, capacity * sizeof *grown);
        if (program->instructions_count > 0)
            memcpy(grown, program->instructions, program->instructions_count * sizeof *grown);
        program->instructions = grown;
        program->instructions_capacity = capacity;
    }
    if (instruction.args_count > program->args_max)
        program->args_max = instruction.args_count;
    program->instructions[program->instructions_count] = instruction;
    return &program->instructions[program->instructions_count++];
}

static uint32_t *slots_of(mr_program *program, const uint32_t *slots, uint32_t count)
{
    return mr_arena_copy(&program->arena, slots, count * sizeof *slots);
}

static uint32_t column_slot(mr_program *program, uint32_t column, mr_type type)
{
    for (uint32_t i = 0; i < program->slots_count; i++) {
        const mr_slot *slot = &program->slots[i];
        if (slot->kind == MR_SLOT_COLUMN && slot->column == column &&
            mr_type_matches(slot->type, type))
            return i;
    }
    return slot_add(program, (mr_slot){.kind = MR_SLOT_COLUMN, .column = column, .type = type});
}

static bool value_equals(mr_type type, const mr_value *a, const mr_value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null && b->is_null;
    switch (mr_type_lane(type)) {
    case MR_LANE_NONE: return true;
    case MR_LANE_BOOL: return a->boolean == b->boolean;
    case MR_LANE_I32: return a->i32 == b->i32;
    case MR_LANE_I64: return a->i64 == b->i64;
    case MR_LANE_I128: return a->i128 == b->i128;
    case MR_LANE_F64: return memcmp(&a->f64, &b->f64, sizeof a->f64) == 0;
    case MR_LANE_STRING: return mr_string_equals(a->string, b->string);
    }
    return false;
}

static uint32_t constant_slot(mr_program *program, mr_type type, const mr_value *value)
{
    for (uint32_t i = 0; i < program->slots_count; i++) {
        const mr_slot *slot = &program->slots[i];
        if (slot->kind == MR_SLOT_CONSTANT && mr_type_matches(slot->type, type) &&
            value_equals(type, &slot->value, value))
            return i;
    }
    return slot_add(program, (mr_slot){.kind = MR_SLOT_CONSTANT, .type = type, .value = *value});
}

/* Does selection `outer` contain all rows of `inner`? */
static bool contains(const mr_program *program, uint32_t outer, uint32_t inner)
{
    while (inner != outer && inner != ALL)
        inner = program->slots[inner].parent;
    return inner == outer;
}

static uint32_t find_call(const mr_program *program, const mr_instruction *wanted, mr_type type)
{
    for (uint32_t i = 0; i < program->instructions_count; i++) {
        const mr_instruction *made = &program->instructions[i];
        if (made->opcode == MR_OP_CALL && made->function == wanted->function &&
            made->args_count == wanted->args_count &&
            memcmp(made->args, wanted->args, made->args_count * sizeof *made->args) == 0 &&
            mr_type_matches(program->slots[made->result].type, type) &&
            contains(program, made->selection, wanted->selection))
            return made->result;
    }
    return NO_SLOT;
}

static void value_of(const mr_vector *vector, mr_value *value)
{
    *value = (mr_value){.is_null = mr_vector_is_null(vector, 0)};
    if (value->is_null)
        return;
    switch (vector->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: value->boolean = vector->bools[0] != 0; break;
    case MR_LANE_I32: value->i32 = vector->i32[0]; break;
    case MR_LANE_I64: value->i64 = vector->i64[0]; break;
    case MR_LANE_I128: value->i128 = vector->i128[0]; break;
    case MR_LANE_F64: value->f64 = vector->f64[0]; break;
    case MR_LANE_STRING: value->string = vector->strings[0]; break;
    }
}

/* Runs a call over constants once. False: not foldable, or it fails (then it must fail per row). */
static bool fold(struct compiler *compiler, const mr_instruction *call, mr_type type,
                 mr_value *value)
{
    mr_program *program = compiler->program;
    if (call->function->is_volatile)
        return false;
    mr_vector *args =
        mr_arena_alloc(&compiler->scratch, (call->args_count + 1) * sizeof(mr_vector));
    for (uint32_t i = 0; i < call->args_count; i++) {
        const mr_slot *slot = &program->slots[call->args[i]];
        if (slot->kind != MR_SLOT_CONSTANT)
            return false;
        args[i] = mr_value_vector(slot->type, &slot->value);
    }
    mr_row_errors errors = {.arena = &compiler->scratch};
    mr_vector result = mr_vector_new(type, 1, &compiler->scratch);
    uint64_t valid;
    mr_kernel_call run = {
        .args = args,
        .args_count = call->args_count,
        .result = &result,
        .rows = 1,
        .selected = 1,
        .arena = &compiler->scratch,
        .errors = call->function->is_lenient ? NULL : &errors,
        .context = program->context,
        .data = call->data,
    };
    mr_program_call(call->function, &run, &valid);
    if (errors.count > 0)
        return false;
    mr_vector_own_strings(&result, 1, &program->arena);
    value_of(&result, value);
    return true;
}

static uint32_t call_slot(struct compiler *compiler, mr_instruction call, mr_type type)
{
    mr_program *program = compiler->program;
    mr_value value;
    if (fold(compiler, &call, type, &value))
        return constant_slot(program, type, &value);
    uint32_t made = call.function->is_volatile ? NO_SLOT : find_call(program, &call, type);
    if (made != NO_SLOT)
        return made;
    call.result = register_add(program, type);
    emit(program, call);
    return call.result;
}

static uint32_t compile(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                        const char *text);

static uint32_t compile_call(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                             const char *text)
{
    uint32_t *args =
        mr_arena_alloc(&compiler->program->arena, (expr->args_count + 1) * sizeof *args);
    for (uint32_t i = 0; i < expr->args_count; i++)
        args[i] = compile(compiler, expr->args[i], selection, text);
    mr_instruction call = {
        .opcode = MR_OP_CALL,
        .selection = selection,
        .args_count = expr->args_count,
        .args = args,
        .function = expr->function,
        .data = expr->function_data,
        .text = text,
    };
    return call_slot(compiler, call, expr->type);
}

static void emit_unary(mr_program *program, mr_opcode opcode, uint32_t result, uint32_t selection,
                       uint32_t arg)
{
    emit(program, (mr_instruction){
                      .opcode = opcode,
                      .result = result,
                      .selection = selection,
                      .args_count = 1,
                      .args = slots_of(program, &arg, 1),
                  });
}

/* A register to be filled by moves under different selections. */
static uint32_t merge_slot(mr_program *program, mr_type type, uint32_t selection)
{
    uint32_t merged = register_add(program, type);
    emit(program, (mr_instruction){.opcode = MR_OP_INIT, .result = merged, .selection = selection});
    return merged;
}

static uint32_t narrow(mr_program *program, mr_opcode opcode, uint32_t selection, uint32_t arg)
{
    uint32_t narrowed =
        slot_add(program, (mr_slot){.kind = MR_SLOT_SELECTION, .parent = selection});
    emit_unary(program, opcode, narrowed, selection, arg);
    return narrowed;
}

/* Is computing this for rows that do not need it harmless and cheaper than narrowing a
 * selection? */
static bool is_dense(const mr_expr *expr)
{
    if (expr->kind == MR_EXPR_CASE || expr->kind == MR_EXPR_COALESCE)
        return false;
    if (expr->kind == MR_EXPR_CALL &&
        (expr->function->can_fail || expr->function->is_costly || expr->function->is_volatile))
        return false;
    for (uint32_t i = 0; i < expr->args_count; i++)
        if (!is_dense(expr->args[i]))
            return false;
    return true;
}

static uint32_t combine(struct compiler *compiler, const mr_function *function, mr_type type,
                        uint32_t a, uint32_t b, uint32_t selection)
{
    uint32_t args[] = {a, b};
    mr_instruction call = {
        .opcode = MR_OP_CALL,
        .selection = selection,
        .args_count = 2,
        .args = slots_of(compiler->program, args, 2),
        .function = function,
    };
    return call_slot(compiler, call, type);
}

/* Sides that are cheap and safe are computed for all rows; from the first other one on, each runs
 * only where those before have not decided. */
static uint32_t compile_logic(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                              const char *text)
{
    mr_program *program = compiler->program;
    const bool is_and = expr->kind == MR_EXPR_AND;
    const mr_function *function = is_and ? &mr_function_and : &mr_function_or;
    const mr_opcode undecided = is_and ? MR_OP_SELECT_NOT_FALSE : MR_OP_SELECT_NOT_TRUE;
    uint32_t result = compile(compiler, expr->args[0], selection, text);
    uint32_t i = 1;
    for (; i < expr->args_count && is_dense(expr->args[i]); i++) {
        uint32_t side = compile(compiler, expr->args[i], selection, text);
        result = combine(compiler, function, expr->type, result, side, selection);
    }
    if (i == expr->args_count)
        return result;
    uint32_t merged = merge_slot(program, expr->type, selection);
    emit_unary(program, MR_OP_MOVE, merged, selection, result);
    for (; i < expr->args_count; i++) {
        selection = narrow(program, undecided, selection, merged);
        uint32_t side = compile(compiler, expr->args[i], selection, text);
        /* Not by value number: `merged` has another value at each turn. */
        uint32_t args[] = {merged, side};
        uint32_t both = register_add(program, expr->type);
        emit(program, (mr_instruction){
                          .opcode = MR_OP_CALL,
                          .result = both,
                          .selection = selection,
                          .args_count = 2,
                          .args = slots_of(program, args, 2),
                          .function = function,
                      });
        emit_unary(program, MR_OP_MOVE, merged, selection, both);
    }
    return merged;
}

static uint32_t compile_case(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                             const char *text)
{
    mr_program *program = compiler->program;
    uint32_t merged = merge_slot(program, expr->type, selection);
    uint32_t i = 0;
    for (; i + 1 < expr->args_count; i += 2) {
        uint32_t when = compile(compiler, expr->args[i], selection, text);
        uint32_t taken = narrow(program, MR_OP_SELECT_TRUE, selection, when);
        uint32_t then = compile(compiler, expr->args[i + 1], taken, text);
        emit_unary(program, MR_OP_MOVE, merged, taken, then);
        selection = narrow(program, MR_OP_SELECT_NOT_TRUE, selection, when);
    }
    MR_ASSERT(i < expr->args_count);
    uint32_t otherwise = compile(compiler, expr->args[i], selection, text);
    emit_unary(program, MR_OP_MOVE, merged, selection, otherwise);
    return merged;
}

static uint32_t compile_coalesce(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                                 const char *text)
{
    mr_program *program = compiler->program;
    uint32_t first = compile(compiler, expr->args[0], selection, text);
    uint32_t merged = merge_slot(program, expr->type, selection);
    emit_unary(program, MR_OP_MOVE, merged, selection, first);
    for (uint32_t i = 1; i < expr->args_count; i++) {
        selection = narrow(program, MR_OP_SELECT_NULL, selection, merged);
        uint32_t next = compile(compiler, expr->args[i], selection, text);
        emit_unary(program, MR_OP_MOVE, merged, selection, next);
    }
    return merged;
}

static uint32_t compile_kind(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                             const char *text)
{
    switch (expr->kind) {
    case MR_EXPR_COLUMN: return column_slot(compiler->program, expr->column, expr->type);
    case MR_EXPR_CONSTANT: return constant_slot(compiler->program, expr->type, &expr->value);
    case MR_EXPR_CALL: return compile_call(compiler, expr, selection, text);
    case MR_EXPR_AND:
    case MR_EXPR_OR: return compile_logic(compiler, expr, selection, text);
    case MR_EXPR_CASE: return compile_case(compiler, expr, selection, text);
    case MR_EXPR_COALESCE: return compile_coalesce(compiler, expr, selection, text);
    }
    MR_ASSERT(!"an expression of a known kind");
    return NO_SLOT;
}

static void memo_add(struct compiler *compiler, memo made)
{
    if (compiler->memos_count == compiler->memos_capacity) {
        uint32_t capacity = compiler->memos_capacity != 0 ? compiler->memos_capacity * 2 : 32;
        memo *grown = mr_arena_alloc(&compiler->scratch, capacity * sizeof *grown);
        if (compiler->memos_count > 0)
            memcpy(grown, compiler->memos, compiler->memos_count * sizeof *grown);
        compiler->memos = grown;
        compiler->memos_capacity = capacity;
    }
    compiler->memos[compiler->memos_count++] = made;
}

static uint32_t compile(struct compiler *compiler, const mr_expr *expr, uint32_t selection,
                        const char *text)
{
    if (expr->text != NULL)
        text = expr->text;
    if (expr->args_count == 0)
        return compile_kind(compiler, expr, selection, text);
    for (uint32_t i = compiler->memos_count; i-- > 0;) {
        const memo *made = &compiler->memos[i];
        if (made->expr == expr && contains(compiler->program, made->selection, selection))
            return made->slot;
    }
    uint32_t slot = compile_kind(compiler, expr, selection, text);
    memo_add(compiler, (memo){expr, selection, slot});
    return slot;
}

/* Results must be flat and in the batch's arena: columns are aliased, constants are spread. */
static uint32_t output_slot(mr_program *program, uint32_t slot)
{
    if (program->slots[slot].kind == MR_SLOT_CONSTANT) {
        uint32_t spread = merge_slot(program, program->slots[slot].type, ALL);
        emit_unary(program, MR_OP_MOVE, spread, ALL, slot);
        slot = spread;
    }
    if (program->slots[slot].kind == MR_SLOT_REGISTER)
        program->slots[slot].kind = MR_SLOT_OUTPUT;
    return slot;
}

static void note_use(mr_program *program, uint32_t slot, uint32_t at)
{
    mr_slot *used = &program->slots[slot];
    if (used->first == NO_SLOT)
        used->first = at;
    used->last = at;
}

static void number_uses(mr_program *program)
{
    for (uint32_t i = 0; i < program->slots_count; i++)
        program->slots[i].first = NO_SLOT;
    for (uint32_t at = 0; at < program->instructions_count; at++) {
        const mr_instruction *instruction = &program->instructions[at];
        note_use(program, instruction->result, at);
        note_use(program, instruction->selection, at);
        for (uint32_t i = 0; i < instruction->args_count; i++)
            note_use(program, instruction->args[i], at);
    }
}

static size_t slot_width(const mr_slot *slot)
{
    return slot->kind == MR_SLOT_SELECTION ? sizeof(uint32_t)
                                           : mr_lane_size(mr_type_lane(slot->type));
}

/* Linear scan: instructions run in order, so a buffer is free once its slot's last use has passed.
 * A result never shares with an argument of its own instruction. */
static void number_buffers(mr_program *program)
{
    uint32_t *busy_until = mr_arena_alloc(&program->arena, program->slots_count * sizeof(uint32_t));
    program->buffers =
        mr_arena_zalloc(&program->arena, program->slots_count, sizeof(mr_buffer_slot));
    for (uint32_t at = 0; at < program->instructions_count; at++) {
        mr_slot *slot = &program->slots[program->instructions[at].result];
        if (slot->first != at ||
            (slot->kind != MR_SLOT_REGISTER && slot->kind != MR_SLOT_SELECTION))
            continue;
        mr_lane lane = slot->kind == MR_SLOT_SELECTION ? MR_LANE_NONE : mr_type_lane(slot->type);
        uint32_t b = 0;
        while (b < program->buffers_count &&
               (busy_until[b] >= at || program->buffers[b].width != slot_width(slot) ||
                (program->buffers[b].lane == MR_LANE_NONE) != (lane == MR_LANE_NONE)))
            b++;
        if (b == program->buffers_count) {
            program->buffers[b] = (mr_buffer_slot){.lane = lane, .width = slot_width(slot)};
            program->buffers_count++;
        }
        slot->physical = b;
        busy_until[b] = slot->last;
    }
}

void mr_program_compile(mr_program *program, const mr_expr *const *outputs, uint32_t count)
{
    struct compiler compiler = {.program = program};
    slot_add(program, (mr_slot){.kind = MR_SLOT_ALL});
    program->outputs_count = count;
    program->outputs = mr_arena_alloc(&program->arena, (count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        program->outputs[i] = compile(&compiler, outputs[i], ALL, NULL);
    for (uint32_t i = 0; i < count; i++)
        program->outputs[i] = output_slot(program, program->outputs[i]);
    number_uses(program);
    number_buffers(program);
    mr_arena_release(&compiler.scratch);
}
