#include "connectors/formats/avro/decode/machine.h"

#include "connectors/formats/avro/decode/bytes.h"
#include "connectors/formats/codes.h"
#include "connectors/formats/text/time.h"
#include "engine/expr/decimal.h"

/* The machine is one switch, compiled twice (bytes.h); what an operation does is inlined into both.
 * An operation gives the byte behind what it read, or NULL after `fail`. */
#define DO MR_AVRO_INLINE const char *
#define SLOW __attribute__((noinline)) static const char *

typedef mr_avro_machine machine;

SLOW fail(machine *m, mr_status code, const char *at, const char *reason)
{
    m->code = code;
    m->bad_at = m->at_saved != NULL ? m->at_saved : at;
    m->reason = reason;
    return NULL;
}

/* --- integers and lengths --------------------------------------------------------------- */

SLOW slow_long(machine *m, const char *at, const char *end, uint64_t *value)
{
    const char *behind = mr_avro_varint(at, end, value);
    if (behind != NULL)
        return behind;
    if (end - at < 10)
        return fail(m, MR_E_AVRO_SHORT, at, "the record ends within a number");
    return fail(m, MR_E_AVRO_NUMBER, at, "a number of more than 64 bits");
}

DO read_long(machine *m, const char *at, const char *end, int64_t *value, bool is_wide)
{
    uint64_t raw = 0;
    const char *behind = mr_avro_varint_fast(at, end, &raw, is_wide);
    if (__builtin_expect(behind == NULL, 0)) {
        behind = slow_long(m, at, end, &raw);
        if (behind == NULL)
            return NULL;
    }
    *value = mr_avro_unzigzag(raw);
    return behind;
}

DO read_int(machine *m, const char *at, const char *end, int32_t *value, bool is_wide)
{
    int64_t wide = 0;
    const char *behind = read_long(m, at, end, &wide, is_wide);
    if (behind == NULL)
        return NULL;
    if (__builtin_expect(wide != (int32_t)wide, 0))
        return fail(m, MR_E_AVRO_NUMBER, at, "a number outside of int");
    *value = (int32_t)wide;
    return behind;
}

SLOW slow_length(machine *m, const char *at, const char *end, uint32_t *length)
{
    uint64_t raw = 0;
    const char *behind = slow_long(m, at, end, &raw);
    if (behind == NULL)
        return NULL;
    int64_t value = mr_avro_unzigzag(raw);
    if (value < 0)
        return fail(m, MR_E_AVRO_LENGTH, at, "a negative length");
    if (value > end - behind)
        return fail(m, MR_E_AVRO_LENGTH, at, "a length beyond the end of the record");
    *length = (uint32_t)value;
    return behind;
}

/* The length of bytes that do lie in the record. */
DO read_length(machine *m, const char *at, const char *end, uint32_t *length, bool is_wide)
{
    uint64_t raw = 0;
    const char *behind = mr_avro_varint_fast(at, end, &raw, is_wide);
    /* A negative length has its lowest bit set; turned to the top it is too large, too. */
    uint64_t turned = raw >> 1 | raw << 63;
    if (__builtin_expect(behind == NULL || turned > (uint64_t)(end - behind), 0))
        return slow_length(m, at, end, length);
    *length = (uint32_t)turned;
    return behind;
}

SLOW short_value(machine *m, const char *at)
{
    return fail(m, MR_E_AVRO_SHORT, at, "the record ends within a value");
}

DO take(machine *m, const char *at, const char *end, int64_t size)
{
    return __builtin_expect(end - at < size, 0) ? short_value(m, at) : at + size;
}

/* --- values into columns ---------------------------------------------------------------- */

SLOW check_utf8(machine *m, const char *at, uint32_t length)
{
    const char *bad = mr_avro_utf8_bad(at, length);
    if (bad == at + length)
        return bad;
    return fail(m, MR_E_TEXT_UTF8, bad, "text that is not UTF-8");
}

DO do_string(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    uint32_t length;
    const char *text = read_length(m, at, end, &length, is_wide);
    if (text == NULL)
        return NULL;
    mr_string s = {.length = length, .bytes = text};
    if (__builtin_expect(length >= 4, 1))
        memcpy(s.prefix, text, 4);
    else
        s = mr_string_of(text, length);
    ((mr_string *)op->to)[m->row] = s;
    if (__builtin_expect(mr_avro_is_ascii_fast(text, length, end, is_wide), 1))
        return text + length;
    return check_utf8(m, text, length);
}

DO do_long(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    return read_long(m, at, end, &((int64_t *)op->to)[m->row], is_wide);
}

SLOW out_of_range(machine *m, const char *at)
{
    return fail(m, MR_E_FIELD_RANGE, at, "a number out of range");
}

DO do_instant_ms(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    int64_t ms;
    const char *behind = read_long(m, at, end, &ms, is_wide);
    if (behind == NULL)
        return NULL;
    if (__builtin_expect(__builtin_mul_overflow(ms, 1000, &((int64_t *)op->to)[m->row]), 0))
        return out_of_range(m, at);
    return behind;
}

DO do_int(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    return read_int(m, at, end, &((int32_t *)op->to)[m->row], is_wide);
}

DO do_int_small(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    int32_t value = 0;
    const char *behind = read_int(m, at, end, &value, is_wide);
    if (behind == NULL)
        return NULL;
    if (value > op->limit || value < -op->limit - 1)
        return out_of_range(m, at);
    ((int32_t *)op->to)[m->row] = value;
    return behind;
}

DO do_int_long(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    int32_t value = 0;
    const char *behind = read_int(m, at, end, &value, is_wide);
    if (behind == NULL)
        return NULL;
    ((int64_t *)op->to)[m->row] = value;
    return behind;
}

SLOW do_integer_real(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    int64_t value = 0;
    int32_t narrow = 0;
    const char *behind = op->code == MR_AVRO_OP_LONG_REAL ? read_long(m, at, end, &value, false)
                                                          : read_int(m, at, end, &narrow, false);
    if (behind == NULL)
        return NULL;
    if (op->code == MR_AVRO_OP_INT_REAL)
        value = narrow;
    ((double *)op->to)[m->row] = op->flag ? (double)(float)value : (double)value;
    return behind;
}

DO do_float(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    float value;
    if (end - at < (int64_t)sizeof value)
        return short_value(m, at);
    memcpy(&value, at, sizeof value);
    ((double *)op->to)[m->row] = (double)value;
    return at + sizeof value;
}

DO do_double(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    if (end - at < (int64_t)sizeof(double))
        return short_value(m, at);
    memcpy(&((double *)op->to)[m->row], at, sizeof(double));
    return at + sizeof(double);
}

DO read_boolean(machine *m, const char *at, const char *end, uint8_t *value)
{
    if (at == end)
        return short_value(m, at);
    *value = (uint8_t)*at;
    if (*value > 1)
        return fail(m, MR_E_AVRO_BOOLEAN, at, "a boolean that is neither 0 nor 1");
    return at + 1;
}

DO do_bytes(machine *m, const mr_avro_op *op, const char *at, const char *end, bool is_wide)
{
    uint32_t length;
    const char *bytes = read_length(m, at, end, &length, is_wide);
    if (bytes == NULL)
        return NULL;
    ((mr_string *)op->to)[m->row] = mr_string_of(bytes, length);
    return bytes + length;
}

DO do_fixed(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    const char *behind = take(m, at, end, op->limit);
    if (behind != NULL)
        ((mr_string *)op->to)[m->row] = mr_string_of(at, (uint32_t)op->limit);
    return behind;
}

DO read_index(machine *m, const char *at, const char *end, int64_t limit, int64_t *index)
{
    const char *behind = at + 1;
    if (at < end && (unsigned char)*at < 0x80)
        *index = mr_avro_unzigzag((unsigned char)*at);
    else
        behind = read_long(m, at, end, index, false);
    if (behind != NULL && (*index < 0 || *index >= limit))
        return fail(m, MR_E_AVRO_INDEX, at, "no such branch or symbol");
    return behind;
}

DO do_enum(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    int64_t index = 0;
    const char *behind = read_index(m, at, end, op->limit, &index);
    if (behind == NULL)
        return NULL;
    if (op->symbols[index].length == UINT32_MAX)
        return fail(m, MR_E_AVRO_RESOLVE, at, "a symbol that the schema given does not have");
    ((mr_string *)op->to)[m->row] = op->symbols[index];
    return behind;
}

static void set_null(machine *m, uint32_t pc)
{
    mr_vector_set_null(&m->columns[m->program->notes[pc].column], m->row, m->rows_max, m->arena);
}

SLOW do_time(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    int64_t value = 0;
    int32_t narrow = 0;
    const char *behind =
        op->flag ? read_int(m, at, end, &narrow, false) : read_long(m, at, end, &value, false);
    if (behind == NULL)
        return NULL;
    value = op->flag ? narrow : value;
    int64_t us;
    if (op->limit < 1000)
        us = value / 1000 - (value % 1000 < 0);
    else if (__builtin_mul_overflow(value, op->limit / 1000, &us))
        return out_of_range(m, at);
    if (op->code == MR_AVRO_OP_TIME && (us < 0 || us >= MR_US_PER_DAY))
        return fail(m, MR_E_FIELD_RANGE, at, "a time outside of the day");
    ((int64_t *)op->to)[m->row] = mr_time_cut(us, op->scale);
    return behind;
}

/* Big-endian two's complement of any length; false: more than 128 bits of it count. */
static bool read_unscaled(const char *bytes, int64_t length, mr_i128 *value)
{
    mr_u128 result = 0;
    uint8_t sign = (bytes[0] & 0x80) != 0 ? 0xff : 0;
    if (sign != 0)
        result = ~(mr_u128)0;
    for (int64_t i = 0; i < length; i++) {
        if (length - i > 16 && (uint8_t)bytes[i] != sign)
            return false;
        if (length - i == 16 && ((uint8_t)bytes[i] ^ sign) >= 0x80)
            return false;
        result = result << 8 | (uint8_t)bytes[i];
    }
    *value = (mr_i128)result;
    return true;
}

SLOW do_decimal(machine *m, const mr_avro_op *op, uint32_t pc, const char *at, const char *end)
{
    uint32_t length = (uint32_t)op->limit;
    const char *bytes = op->flag ? at : read_length(m, at, end, &length, false);
    if (bytes == NULL || take(m, bytes, end, length) == NULL)
        return NULL;
    if (length == 0)
        return fail(m, MR_E_FIELD_VALUE, at, "a decimal of no bytes");
    mr_type type = m->columns[m->program->notes[pc].column].type;
    mr_i128 unscaled;
    if (read_unscaled(bytes, length, &unscaled) &&
        mr_decimal_rescale(unscaled, op->scale, type, &((mr_i128 *)op->to)[m->row]))
        return bytes + length;
    if (!type.is_nullable)
        return out_of_range(m, at);
    set_null(m, pc);
    return bytes + length;
}

/* --- what is skipped, and flow ---------------------------------------------------------- */

DO skip_long(machine *m, const char *at, const char *end, bool is_wide)
{
    int64_t ignored = 0;
    return read_long(m, at, end, &ignored, is_wide);
}

DO skip_int(machine *m, const char *at, const char *end, bool is_wide)
{
    int32_t ignored = 0;
    return read_int(m, at, end, &ignored, is_wide);
}

DO skip_bytes(machine *m, const char *at, const char *end, bool is_wide)
{
    uint32_t length;
    const char *bytes = read_length(m, at, end, &length, is_wide);
    return bytes == NULL ? NULL : bytes + length;
}

DO skip_boolean(machine *m, const char *at, const char *end)
{
    uint8_t ignored;
    return read_boolean(m, at, end, &ignored);
}

DO skip_enum(machine *m, const mr_avro_op *op, const char *at, const char *end)
{
    int64_t ignored = 0;
    return read_index(m, at, end, op->limit, &ignored);
}

DO do_option(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at, const char *end)
{
    int64_t index = 0;
    if (__builtin_expect(at < end && (uint8_t)*at == op->flag * 2, 1))
        return at + 1;
    const char *behind = read_index(m, at, end, 2, &index);
    if (behind != NULL && index != op->flag)
        *pc = op->jump;
    return behind;
}

DO do_union(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at, const char *end)
{
    int64_t index = 0;
    const char *behind = read_index(m, at, end, op->limit, &index);
    if (behind != NULL)
        *pc = op->jumps[index];
    return behind;
}

SLOW push(machine *m, const char *at)
{
    if (m->depth == MR_AVRO_DEPTH_MAX)
        return fail(m, MR_E_AVRO_DEPTH, at, "nested too deep");
    m->frames[m->depth++] = (mr_avro_frame){0};
    return at;
}

DO do_call(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at)
{
    if (push(m, at) == NULL)
        return NULL;
    m->frames[m->depth - 1].pc = *pc;
    *pc = op->jump;
    return at;
}

/* The head of the next block of the list on top of the stack. Its count is 0 at the list's end. */
SLOW read_block(machine *m, int64_t size_min, const char *at, const char *end)
{
    mr_avro_frame *frame = &m->frames[m->depth - 1];
    int64_t count = 0, size = -1;
    const char *from = at;
    at = read_long(m, at, end, &count, false);
    if (at != NULL && count < 0) {
        at = read_long(m, at, end, &size, false);
        if (at == NULL)
            return NULL;
        if (count == INT64_MIN || size < 0 || size > end - at)
            return fail(m, MR_E_AVRO_LENGTH, from, "a block beyond the end of the record");
        count = -count;
    }
    if (at == NULL)
        return NULL;
    if (size_min > 0 && count > (end - at) / size_min)
        return fail(m, MR_E_AVRO_LENGTH, from, "more items than the record has bytes for");
    if (size_min == 0) {
        if (count > m->empty_items)
            return fail(m, MR_E_AVRO_DEPTH, from, "too many items of no bytes");
        m->empty_items -= count;
    }
    frame->count = count;
    frame->block_end = size >= 0 ? at + size : NULL;
    return at;
}

DO do_blocks(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at, const char *end)
{
    at = push(m, at);
    if (at != NULL)
        at = read_block(m, op->limit, at, end);
    if (at != NULL && m->frames[m->depth - 1].count == 0) {
        m->depth--;
        *pc = op->jump;
    }
    return at;
}

DO do_next(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at, const char *end)
{
    mr_avro_frame *frame = &m->frames[m->depth - 1];
    if (--frame->count > 0) {
        *pc = op->jump;
        return at;
    }
    if (frame->block_end != NULL && frame->block_end != at)
        return fail(m, MR_E_AVRO_LENGTH, at, "a block of another size than it says");
    at = read_block(m, op->limit, at, end);
    if (at == NULL)
        return NULL;
    if (frame->count > 0)
        *pc = op->jump;
    else
        m->depth--;
    return at;
}

SLOW refuse(machine *m, const mr_avro_op *op, const char *at)
{
    const mr_avro_refusal *refusal = op->table;
    return fail(m, refusal->code, at, refusal->reason);
}

DO enter_constant(machine *m, const mr_avro_op *op, const char *at, const char **end)
{
    m->at_saved = at;
    m->end_saved = *end;
    *end = (const char *)op->table + op->limit;
    return op->table;
}

DO leave_constant(machine *m, const char **end)
{
    const char *at = m->at_saved;
    *end = m->end_saved;
    m->at_saved = NULL;
    return at;
}

/* What is rarer than the cases of `run`. */
DO run_more(machine *m, const mr_avro_op *op, uint32_t *pc, const char *at, const char *end,
            bool is_wide)
{
    switch (op->code) {
    case MR_AVRO_OP_INT_SMALL: return do_int_small(m, op, at, end, is_wide);
    case MR_AVRO_OP_INT_LONG: return do_int_long(m, op, at, end, is_wide);
    case MR_AVRO_OP_INT_REAL:
    case MR_AVRO_OP_LONG_REAL: return do_integer_real(m, op, at, end);
    case MR_AVRO_OP_FLOAT: return do_float(m, op, at, end);
    case MR_AVRO_OP_TIME:
    case MR_AVRO_OP_INSTANT: return do_time(m, op, at, end);
    case MR_AVRO_OP_DECIMAL: return do_decimal(m, op, *pc - 1, at, end);
    case MR_AVRO_OP_SKIP_BOOLEAN: return skip_boolean(m, at, end);
    case MR_AVRO_OP_SKIP_ENUM: return skip_enum(m, op, at, end);
    case MR_AVRO_OP_UNION: return do_union(m, op, pc, at, end);
    case MR_AVRO_OP_BLOCKS: return do_blocks(m, op, pc, at, end);
    case MR_AVRO_OP_NEXT: return do_next(m, op, pc, at, end);
    case MR_AVRO_OP_CALL: return do_call(m, op, pc, at);
    case MR_AVRO_OP_RETURN: *pc = m->frames[--m->depth].pc; return at;
    default: return refuse(m, op, at);
    }
}

MR_AVRO_INLINE const char *run(machine *m, const mr_avro_op *ops, const char *at, const char *end,
                               bool is_wide)
{
    uint32_t pc = 0;
    while (at != NULL) {
        const mr_avro_op *op = &ops[pc++];
        switch (op->code) {
        case MR_AVRO_OP_END: return at;
        case MR_AVRO_OP_LONG: at = do_long(m, op, at, end, is_wide); break;
        case MR_AVRO_OP_STRING: at = do_string(m, op, at, end, is_wide); break;
        case MR_AVRO_OP_INSTANT_MS: at = do_instant_ms(m, op, at, end, is_wide); break;
        case MR_AVRO_OP_INT: at = do_int(m, op, at, end, is_wide); break;
        case MR_AVRO_OP_DOUBLE: at = do_double(m, op, at, end); break;
        case MR_AVRO_OP_BOOLEAN: at = read_boolean(m, at, end, &((uint8_t *)op->to)[m->row]); break;
        case MR_AVRO_OP_BYTES: at = do_bytes(m, op, at, end, is_wide); break;
        case MR_AVRO_OP_FIXED: at = do_fixed(m, op, at, end); break;
        case MR_AVRO_OP_ENUM: at = do_enum(m, op, at, end); break;
        case MR_AVRO_OP_NULL: set_null(m, pc - 1); break;
        case MR_AVRO_OP_SKIP_INT: at = skip_int(m, at, end, is_wide); break;
        case MR_AVRO_OP_SKIP_LONG: at = skip_long(m, at, end, is_wide); break;
        case MR_AVRO_OP_SKIP_BYTES: at = skip_bytes(m, at, end, is_wide); break;
        case MR_AVRO_OP_SKIP_FIXED: at = take(m, at, end, op->limit); break;
        case MR_AVRO_OP_OPTION: at = do_option(m, op, &pc, at, end); break;
        case MR_AVRO_OP_JUMP: pc = op->jump; break;
        case MR_AVRO_OP_CONSTANT: at = enter_constant(m, op, at, &end); break;
        case MR_AVRO_OP_CONSTANT_END: at = leave_constant(m, &end); break;
        default: at = run_more(m, op, &pc, at, end, is_wide); break;
        }
    }
    m->bad_pc = pc - 1; /* an operation that fails does not jump */
    return NULL;
}

static const char *run_narrow(machine *m, const mr_avro_op *ops, const char *at, const char *end)
{
    return run(m, ops, at, end, false);
}

MR_AVRO_WIDE static const char *run_wide(machine *m, const mr_avro_op *ops, const char *at,
                                         const char *end)
{
    return run(m, ops, at, end, true);
}

/* Operations learn where their columns are, once a batch. */
static void aim(machine *m, mr_avro_program *program)
{
    for (uint32_t pc = 0; pc < program->count; pc++)
        if (program->notes[pc].column != MR_AVRO_COLUMN_NONE)
            program->ops[pc].to = m->columns[program->notes[pc].column].values;
    program->batch = m->batch;
}

const char *mr_avro_machine_run(mr_avro_machine *m, mr_avro_program *program, uint32_t row,
                                const char *at, const char *end)
{
    if (program->batch != m->batch)
        aim(m, program);
    m->program = program;
    m->row = row;
    m->depth = 0;
    m->empty_items = MR_AVRO_EMPTY_ITEMS_MAX;
    m->at_saved = NULL;
    return m->is_narrow ? run_narrow(m, program->ops, at, end) : run_wide(m, program->ops, at, end);
}

void mr_avro_machine_clean(mr_avro_machine *m, uint32_t row)
{
    for (uint32_t c = 0; c < m->columns_count; c++)
        if (m->columns[c].valid != NULL)
            mr_bitmap_set(m->columns[c].valid, row);
}
