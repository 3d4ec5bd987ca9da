/* A program in words, for EXPLAIN and tests:
 *   r5 = +(c0, 1) [s2]  -- a + 1 */
#include "engine/expr/instruction.h"

#include "engine/base/buffer.h"
#include "engine/expr/value.h"

static void print_slot(const mr_program *program, uint32_t number, mr_buffer *text)
{
    const mr_slot *slot = &program->slots[number];
    switch (slot->kind) {
    case MR_SLOT_ALL: mr_buffer_printf(text, "all"); break;
    case MR_SLOT_COLUMN: mr_buffer_printf(text, "c%u", slot->column); break;
    case MR_SLOT_CONSTANT: mr_value_print(slot->type, &slot->value, text); break;
    case MR_SLOT_REGISTER: mr_buffer_printf(text, "r%u", number); break;
    case MR_SLOT_OUTPUT: mr_buffer_printf(text, "o%u", number); break;
    case MR_SLOT_SELECTION: mr_buffer_printf(text, "s%u", number); break;
    }
}

static const char *operation(const mr_instruction *instruction)
{
    switch (instruction->opcode) {
    case MR_OP_CALL: return instruction->function->name;
    case MR_OP_INIT: return "init";
    case MR_OP_MOVE: return "move";
    case MR_OP_SELECT_TRUE: return "where true";
    case MR_OP_SELECT_NOT_TRUE: return "where not true";
    case MR_OP_SELECT_NOT_FALSE: return "where not false";
    case MR_OP_SELECT_NULL: return "where null";
    }
    return "?";
}

void mr_program_print(const mr_program *program, mr_buffer *text)
{
    for (uint32_t at = 0; at < program->instructions_count; at++) {
        const mr_instruction *instruction = &program->instructions[at];
        print_slot(program, instruction->result, text);
        mr_buffer_printf(text, " = %s(", operation(instruction));
        for (uint32_t i = 0; i < instruction->args_count; i++) {
            if (i > 0)
                mr_buffer_printf(text, ", ");
            print_slot(program, instruction->args[i], text);
        }
        mr_buffer_printf(text, ") [");
        print_slot(program, instruction->selection, text);
        mr_buffer_printf(text, "]");
        if (instruction->text != NULL)
            mr_buffer_printf(text, "  -- %s", instruction->text);
        mr_buffer_printf(text, "\n");
    }
    mr_buffer_printf(text, "=");
    for (uint32_t i = 0; i < program->outputs_count; i++) {
        mr_buffer_printf(text, " ");
        print_slot(program, program->outputs[i], text);
    }
    mr_buffer_printf(text, "\n");
}
