/*
 * The inside of a program: slots and instructions. For compile.c, program.c and listing.c only.
 *
 * A slot is a place for a value per row. Its kind never changes; registers of one width share
 * memory once their uses are over (`physical`), so a program keeps few hot buffers whatever its
 * length.
 *
 *   COLUMN     a column of the batch                  CONSTANT   one value, made when compiling
 *   REGISTER   scratch of the program                 OUTPUT     as REGISTER, but in the batch's
 *   arena SELECTION  rising row numbers and their count     ALL        the batch's own selection
 *   (slot 0)
 *
 * Every instruction runs under a selection slot. Control flow is selections only: a branch that no
 * row takes has an empty selection, and an instruction under an empty selection is skipped.
 */
#ifndef MR_ENGINE_EXPR_INSTRUCTION_H
#define MR_ENGINE_EXPR_INSTRUCTION_H

#include "engine/expr/program.h"

typedef enum mr_slot_kind {
    MR_SLOT_ALL = 0,
    MR_SLOT_COLUMN,
    MR_SLOT_CONSTANT,
    MR_SLOT_REGISTER,
    MR_SLOT_OUTPUT,
    MR_SLOT_SELECTION,
} mr_slot_kind;

typedef struct mr_slot {
    mr_slot_kind kind;
    mr_type type;
    uint32_t column;      /* COLUMN */
    uint32_t parent;      /* SELECTION: the one it was narrowed from */
    uint32_t physical;    /* REGISTER, SELECTION: number of the buffer */
    uint32_t first, last; /* instructions that define and last use it */
    mr_value value;       /* CONSTANT */
} mr_slot;

typedef enum mr_opcode {
    MR_OP_CALL = 0,         /* result <- function(args) */
    MR_OP_INIT,             /* result <- all valid, values to come by MOVE */
    MR_OP_MOVE,             /* result[row] <- args[0][row] for the selected rows */
    MR_OP_SELECT_TRUE,      /* result <- selected rows where args[0] is TRUE */
    MR_OP_SELECT_NOT_TRUE,  /* .. FALSE or NULL */
    MR_OP_SELECT_NOT_FALSE, /* .. TRUE or NULL */
    MR_OP_SELECT_NULL,      /* .. NULL */
} mr_opcode;

typedef struct mr_instruction {
    mr_opcode opcode;
    uint32_t result;    /* slot */
    uint32_t selection; /* slot */
    uint32_t args_count;
    uint32_t *args; /* slots */
    const mr_function *function;
    const void *data;
    const char *text; /* for row errors and EXPLAIN */
} mr_instruction;

typedef struct mr_buffer_slot { /* one physical buffer */
    mr_lane lane;               /* widest first user; MR_LANE_NONE: a selection */
    size_t width;               /* bytes a row */
    void *values;
    uint64_t *valid; /* NULL for selections */
} mr_buffer_slot;

struct mr_program {
    mr_arena arena; /* everything compiled */
    const mr_expr_context *context;
    mr_slot *slots;
    uint32_t slots_count, slots_capacity;
    mr_instruction *instructions;
    uint32_t instructions_count, instructions_capacity;
    uint32_t *outputs; /* slots */
    uint32_t outputs_count;
    uint32_t args_max;
    mr_buffer_slot *buffers;
    uint32_t buffers_count;
    uint32_t capacity_rows; /* of every buffer */
    /* While running: the vector or selection of each slot, and the arguments of the current
     * call. */
    mr_vector *vectors;
    struct mr_rows {
        const uint32_t *rows; /* NULL: all */
        uint32_t *room;       /* of a SELECTION */
        uint32_t count;
    } * selections;
    mr_vector *args;
};

/* Fills slots, instructions and outputs of a zeroed program, and numbers its buffers. compile.c */
void mr_program_compile(mr_program *program, const mr_expr *const *outputs, uint32_t count);

/* A constant vector over `value`, which must stay where it is. program.c */
mr_vector mr_value_vector(mr_type type, const mr_value *value);

/* Runs one call with its validity rules; `call` is complete but for the result's validity, for
 * which `valid` has room. program.c */
void mr_program_call(const mr_function *function, mr_kernel_call *call, uint64_t *valid);

#endif
