#include "engine/expr/program.h"

#include "engine/base/assert.h"
#include "engine/expr/instruction.h"

#include <stdlib.h>
#include <string.h>

mr_vector mr_value_vector(mr_type type, const mr_value *value)
{
    static const uint64_t none = 0;
    union { /* the vector's pointers are not const; nobody writes through a constant vector */
        const void *from;
        void *to;
    } values = {.from = &value->i128}, valid = {.from = &none};
    return (mr_vector){
        .type = type,
        .lane = mr_type_lane(type),
        .is_constant = true,
        .values = values.to,
        .valid = value->is_null ? valid.to : NULL,
    };
}

mr_status mr_program_new(const mr_expr *const *outputs, uint32_t count,
                         const mr_expr_context *context, mr_program **program, mr_error *err)
{
    mr_program *made = calloc(1, sizeof *made);
    if (made == NULL)
        return mr_error_set(err, MR_E_MEMORY, "no memory for an expression program");
    static const mr_expr_context utc = {0};
    made->context = context != NULL ? context : &utc;
    mr_program_compile(made, outputs, count);
    made->vectors = mr_arena_zalloc(&made->arena, made->slots_count, sizeof(mr_vector));
    made->selections = mr_arena_zalloc(&made->arena, made->slots_count, sizeof *made->selections);
    made->args = mr_arena_zalloc(&made->arena, made->args_max + 1, sizeof(mr_vector));
    for (uint32_t i = 0; i < made->slots_count; i++) {
        const mr_slot *slot = &made->slots[i];
        if (slot->kind == MR_SLOT_CONSTANT)
            made->vectors[i] = mr_value_vector(slot->type, &slot->value);
    }
    *program = made;
    return MR_OK;
}

static void free_buffers(mr_program *program)
{
    for (uint32_t i = 0; i < program->buffers_count; i++) {
        free(program->buffers[i].values);
        free(program->buffers[i].valid);
        program->buffers[i].values = NULL;
        program->buffers[i].valid = NULL;
    }
}

void mr_program_free(mr_program *program)
{
    if (program == NULL)
        return;
    free_buffers(program);
    mr_arena_release(&program->arena);
    free(program);
}

/* Scratch grows to the largest batch seen and stays: nothing is allocated in the steady state. */
static void reserve_rows(mr_program *program, uint32_t rows)
{
    if (rows <= program->capacity_rows)
        return;
    rows = (rows + 63) / 64 * 64;
    free_buffers(program);
    for (uint32_t i = 0; i < program->buffers_count; i++) {
        mr_buffer_slot *buffer = &program->buffers[i];
        buffer->values = aligned_alloc(64, (buffer->width * rows + 63) / 64 * 64 + 64);
        buffer->valid = calloc(mr_bitmap_words(rows), sizeof(uint64_t));
        MR_ASSERT(buffer->values != NULL && buffer->valid != NULL);
        /* Whatever lies in rows not computed must be readable as a value of its lane. */
        memset(buffer->values, 0, buffer->width * rows);
    }
    program->capacity_rows = rows;
}

/* The bitmap of a register's own, for when it needs one. */
static uint64_t *slot_valid(mr_program *program, uint32_t slot, const mr_batch *batch)
{
    if (program->slots[slot].kind == MR_SLOT_REGISTER)
        return program->buffers[program->slots[slot].physical].valid;
    return mr_arena_alloc(batch->arena, mr_bitmap_words(batch->rows) * sizeof(uint64_t) + 8);
}

static void bind_slots(mr_program *program, const mr_batch *batch)
{
    for (uint32_t i = 0; i < program->slots_count; i++) {
        const mr_slot *slot = &program->slots[i];
        mr_vector *vector = &program->vectors[i];
        switch (slot->kind) {
        case MR_SLOT_ALL:
            program->selections[i] =
                (struct mr_rows){.rows = batch->selection, .count = batch->selected};
            break;
        case MR_SLOT_COLUMN:
            MR_ASSERT(slot->column < batch->columns_count);
            *vector = batch->columns[slot->column];
            vector->type = slot->type; /* as the expression reads it: see mr_cast_is_relabel */
            break;
        case MR_SLOT_CONSTANT: break;
        case MR_SLOT_REGISTER:
            *vector = (mr_vector){.type = slot->type, .lane = mr_type_lane(slot->type)};
            vector->values = program->buffers[slot->physical].values;
            break;
        case MR_SLOT_OUTPUT:
            *vector = mr_vector_new(slot->type, batch->rows, batch->arena);
            /* Unselected rows of an output are unspecified, but their strings must not dangle. */
            if (vector->lane == MR_LANE_STRING && batch->selection != NULL)
                memset(vector->strings, 0, batch->rows * sizeof(mr_string));
            break;
        case MR_SLOT_SELECTION:
            program->selections[i] =
                (struct mr_rows){.room = program->buffers[slot->physical].values};
            break;
        }
    }
}

/* Validity of a strict call: the arguments' and-ed. NULL when none has a bitmap. */
static uint64_t *and_validity(const mr_kernel_call *call, uint64_t *valid)
{
    const size_t words = mr_bitmap_words(call->rows);
    bool is_first = true;
    for (uint32_t i = 0; i < call->args_count; i++) {
        const mr_vector *arg = &call->args[i];
        if (arg->valid == NULL)
            continue;
        if (arg->is_constant && (arg->valid[0] & 1) == 0) {
            memset(valid, 0, words * sizeof *valid);
            return valid;
        }
        if (arg->is_constant)
            continue;
        if (is_first)
            memcpy(valid, arg->valid, words * sizeof *valid);
        else
            for (size_t w = 0; w < words; w++)
                valid[w] &= arg->valid[w];
        is_first = false;
    }
    return is_first ? NULL : valid;
}

static bool is_null_everywhere(const mr_kernel_call *call)
{
    for (uint32_t i = 0; i < call->args_count; i++)
        if (call->args[i].is_constant && mr_vector_is_null(&call->args[i], 0))
            return true;
    return false;
}

void mr_program_call(const mr_function *function, mr_kernel_call *call, uint64_t *valid)
{
    call->result->valid = NULL;
    if (function->is_strict) {
        call->result->valid = and_validity(call, valid);
        if (is_null_everywhere(call)) { /* a bare NULL may have no value to compute with */
            memset(call->result->values, 0, mr_lane_size(call->result->lane) * call->rows);
            return;
        }
    }
    function->kernel(call);
}

static void run_call(mr_program *program, const mr_instruction *instruction, const mr_batch *batch,
                     mr_row_errors *errors)
{
    const struct mr_rows *selection = &program->selections[instruction->selection];
    for (uint32_t i = 0; i < instruction->args_count; i++)
        program->args[i] = program->vectors[instruction->args[i]];
    mr_kernel_call call = {
        .args = program->args,
        .args_count = instruction->args_count,
        .result = &program->vectors[instruction->result],
        .rows = batch->rows,
        .selection = selection->rows,
        .selected = selection->count,
        .arena = batch->arena,
        .errors = instruction->function->is_lenient ? NULL : errors,
        .context = program->context,
        .data = instruction->data,
    };
    const uint32_t failed = errors->count;
    mr_program_call(instruction->function, &call, slot_valid(program, instruction->result, batch));
    for (uint32_t i = failed; i < errors->count; i++)
        errors->error[i].expression = instruction->text;
}

static void run_init(mr_program *program, uint32_t result, const mr_batch *batch)
{
    uint64_t *valid = slot_valid(program, result, batch);
    memset(valid, 0xff, mr_bitmap_words(batch->rows) * sizeof *valid);
    program->vectors[result].valid = valid;
}

#define MOVE_ROWS(lane)                                                  \
    for (uint32_t i = 0; i < selection->count; i++) {                    \
        uint32_t row = selection->rows != NULL ? selection->rows[i] : i; \
        to->lane[row] = from->lane[row * step];                          \
    }

static void move_values(const mr_vector *from, mr_vector *to, const struct mr_rows *selection)
{
    const size_t step = !from->is_constant;
    switch (to->lane) {
    case MR_LANE_NONE: break;
    case MR_LANE_BOOL: MOVE_ROWS(bools) break;
    case MR_LANE_I32: MOVE_ROWS(i32) break;
    case MR_LANE_I64: MOVE_ROWS(i64) break;
    case MR_LANE_I128: MOVE_ROWS(i128) break;
    case MR_LANE_F64: MOVE_ROWS(f64) break;
    case MR_LANE_STRING: MOVE_ROWS(strings) break;
    }
}

static void run_move(const mr_vector *from, mr_vector *to, const struct mr_rows *selection)
{
    move_values(from, to, selection);
    for (uint32_t i = 0; i < selection->count; i++) {
        uint32_t row = selection->rows != NULL ? selection->rows[i] : i;
        if (!mr_vector_is_null(from, row)) {
            mr_bitmap_set(to->valid, row);
            continue;
        }
        mr_bitmap_clear(to->valid, row);
        if (to->lane == MR_LANE_STRING)
            to->strings[row] = mr_string_of("", 0);
    }
}

/* TRUE, FALSE and NULL each keep a row or not, by bit of `kept`: 1 FALSE, 2 TRUE, 4 NULL. */
static unsigned kept_by(mr_opcode opcode)
{
    switch (opcode) {
    case MR_OP_SELECT_TRUE: return 2;
    case MR_OP_SELECT_NOT_TRUE: return 1 | 4;
    case MR_OP_SELECT_NOT_FALSE: return 2 | 4;
    default: return 4;
    }
}

static void run_select(mr_program *program, const mr_instruction *instruction)
{
    const struct mr_rows *from = &program->selections[instruction->selection];
    const mr_vector *by = &program->vectors[instruction->args[0]];
    struct mr_rows *to = &program->selections[instruction->result];
    const unsigned kept = kept_by(instruction->opcode);
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t row = from->rows != NULL ? from->rows[i] : i;
        unsigned state = 4;
        if (!mr_vector_is_null(by, row))
            state = by->lane == MR_LANE_BOOL && by->bools[by->is_constant ? 0 : row] ? 2 : 1;
        to->room[count] = row;
        count += (state & kept) != 0;
    }
    to->rows = to->room;
    to->count = count;
}

void mr_program_run(mr_program *program, const mr_batch *batch, mr_vector *results,
                    mr_row_errors *errors)
{
    reserve_rows(program, batch->rows + 1); /* a selection writes one entry ahead */
    bind_slots(program, batch);
    for (uint32_t at = 0; at < program->instructions_count; at++) {
        const mr_instruction *instruction = &program->instructions[at];
        const struct mr_rows *selection = &program->selections[instruction->selection];
        switch (instruction->opcode) {
        case MR_OP_INIT: run_init(program, instruction->result, batch); break;
        case MR_OP_CALL:
            if (selection->count > 0)
                run_call(program, instruction, batch, errors);
            break;
        case MR_OP_MOVE:
            run_move(&program->vectors[instruction->args[0]],
                     &program->vectors[instruction->result], selection);
            break;
        default: run_select(program, instruction); break;
        }
    }
    for (uint32_t i = 0; i < program->outputs_count; i++)
        results[i] = program->vectors[program->outputs[i]];
}

uint32_t mr_program_filter(mr_program *program, const mr_batch *batch, uint32_t *to,
                           mr_row_errors *errors)
{
    MR_ASSERT(program->outputs_count == 1);
    mr_vector result;
    mr_program_run(program, batch, &result, errors);
    MR_ASSERT(result.lane == MR_LANE_BOOL);
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        uint32_t row = mr_batch_row(batch, i);
        to[count] = row; /* `to` has room: count <= i */
        count += result.bools[row] != 0 && !mr_vector_is_null(&result, row);
    }
    return count;
}
