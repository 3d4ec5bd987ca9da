#include "connectors/formats/avro/decode/lane.h"

#include "connectors/formats/avro/decode/bytes.h"

/* Steps are told apart by comparing, the frequent ones first: in every record the same ones follow
 * each other, so these branches are foreseen, and there is no table to jump through. The loop is
 * compiled twice (bytes.h). A step gives the byte behind what it read, or NULL: declined. */
#define DO MR_AVRO_INLINE const char *

typedef mr_avro_machine machine;
typedef mr_avro_step step;

/* --- building --------------------------------------------------------------------------- */

/* The step of an operation that is a value; false: the lane has none. */
static bool step_of(const mr_avro_op *op, uint32_t column, step *made)
{
    *made = (step){.column = column, .limit = 1};
    switch (op->code) {
    case MR_AVRO_OP_STRING: made->kind = MR_AVRO_STEP_STRING; return true;
    case MR_AVRO_OP_LONG: made->kind = MR_AVRO_STEP_LONG; return true;
    case MR_AVRO_OP_INSTANT_MS:
        made->kind = MR_AVRO_STEP_LONG;
        made->limit = 1000;
        return true;
    case MR_AVRO_OP_INT: made->kind = MR_AVRO_STEP_INT; return true;
    case MR_AVRO_OP_DOUBLE: made->kind = MR_AVRO_STEP_DOUBLE; return true;
    case MR_AVRO_OP_BOOLEAN: made->kind = MR_AVRO_STEP_BOOLEAN; return true;
    case MR_AVRO_OP_NULL: made->kind = MR_AVRO_STEP_NULL; return true;
    case MR_AVRO_OP_SKIP_LONG: made->kind = MR_AVRO_STEP_SKIP_LONG; return true;
    case MR_AVRO_OP_SKIP_BYTES: made->kind = MR_AVRO_STEP_SKIP_BYTES; return true;
    case MR_AVRO_OP_SKIP_FIXED:
        made->kind = MR_AVRO_STEP_SKIP_FIXED;
        made->limit = op->limit;
        return true;
    default: return false;
    }
}

/* OPTION value JUMP NULL, or OPTION value where nobody wants it. Returns how many operations that
 * are, 0 when it is more than that, and adds one step or two. */
static uint32_t option(const mr_avro_program *program, uint32_t pc, step *made, uint32_t *count)
{
    const mr_avro_op *op = &program->ops[pc];
    uint32_t column = program->notes[pc + 1].column;
    step value;
    if (!step_of(op + 1, column, &value) || value.kind == MR_AVRO_STEP_NULL)
        return 0;
    bool is_wanted = op[2].code == MR_AVRO_OP_JUMP && op[2].jump == pc + 4 &&
                     op[3].code == MR_AVRO_OP_NULL && op->jump == pc + 3;
    if (!is_wanted && (op->jump != pc + 2 || column != MR_AVRO_COLUMN_NONE))
        return 0;
    uint8_t branch = (uint8_t)(op->flag * 2);
    if (value.kind == MR_AVRO_STEP_STRING || value.kind == MR_AVRO_STEP_LONG)
        value.kind = value.kind == MR_AVRO_STEP_STRING ? MR_AVRO_STEP_OPTION_STRING
                                                       : MR_AVRO_STEP_OPTION_LONG;
    else
        made[(*count)++] = (step){.kind = MR_AVRO_STEP_OPTION, .branch = branch, .column = column};
    value.branch = branch;
    made[(*count)++] = value;
    return is_wanted ? 4 : 2;
}

void mr_avro_lane_build(mr_avro_program *program)
{
    step *steps = mr_arena_zalloc(&program->arena, (size_t)program->count + 1, sizeof *steps);
    uint32_t count = 0, pc = 0;
    while (program->ops[pc].code != MR_AVRO_OP_END) {
        const mr_avro_op *op = &program->ops[pc];
        uint32_t taken = 1;
        if (op->code == MR_AVRO_OP_OPTION)
            taken = option(program, pc, steps, &count);
        else if (!step_of(op, program->notes[pc].column, &steps[count++]))
            taken = 0;
        if (taken == 0)
            return;
        pc += taken;
    }
    steps[count] = (step){.kind = MR_AVRO_STEP_END, .column = MR_AVRO_COLUMN_NONE};
    program->steps = steps;
}

/* --- running ---------------------------------------------------------------------------- */

/* The bytes of a record, all of which may be read. */
typedef struct span {
    const mr_record *record;
    const char *end;
    const char *end_8; /* a place from which 8 bytes may be read lies no further */
} span;

#define SLOW __attribute__((noinline)) static const char *

SLOW slow_long(const step *s, uint64_t row, const char *at, const char *end)
{
    uint64_t raw = 0;
    const char *behind = mr_avro_varint(at, end, &raw);
    int64_t *to = &((int64_t *)s->to)[row];
    return __builtin_mul_overflow(mr_avro_unzigzag(raw), s->limit, to) ? NULL : behind;
}

DO do_long(const step *s, uint64_t row, const char *at, const span *bytes, bool is_wide)
{
    int64_t value = 0;
    const char *behind = NULL;
    if (__builtin_expect(at <= bytes->end_8, 1))
        behind = mr_avro_long_8(at, &value, is_wide);
    if (__builtin_expect(behind == NULL, 0))
        return slow_long(s, row, at, bytes->end);
    bool is_large = __builtin_mul_overflow(value, s->limit, &((int64_t *)s->to)[row]);
    return __builtin_expect(is_large, 0) ? NULL : behind;
}

/* A string that is short, the last, or not ASCII. */
SLOW slow_string(const step *s, uint64_t row, const char *at, const char *end)
{
    uint64_t raw = 0;
    const char *text = mr_avro_varint(at, end, &raw);
    int64_t length = mr_avro_unzigzag(raw);
    if (text == NULL || length < 0 || length > end - text)
        return NULL;
    ((mr_string *)s->to)[row] = mr_string_of(text, (uint32_t)length);
    return mr_avro_utf8_bad(text, (uint32_t)length) == text + length ? text + length : NULL;
}

/* Not 0: look closer at this text. Of 4 bytes at least there is no need to, when it is ASCII. */
MR_AVRO_INLINE uint32_t doubts(const char *at, uint64_t length, const span *bytes, bool is_wide)
{
#if defined(__x86_64__)
    if (is_wide) {
        uint32_t size = (uint32_t)length;
        if (length - 32 <= 256 - 32)
            return mr_avro_wide_high(at, size);
        if (length - 4 <= 31 - 4 && bytes->end - at >= 32)
            return mr_avro_wide_high_short(at, size);
        if (length - 4 <= 31 - 4 && at + length - bytes->record->value >= 32)
            return mr_avro_wide_high_last(at + length, size);
    }
#endif
    (void)at, (void)length, (void)bytes, (void)is_wide;
    return 1;
}

DO do_string(const step *s, uint64_t row, const char *at, const span *bytes, bool is_wide)
{
    uint64_t raw = 0;
    const char *text = NULL;
    if (__builtin_expect(at <= bytes->end_8, 1))
        text = mr_avro_varint_8(at, &raw, is_wide);
    /* A negative length has its lowest bit set; turned to the top it is far too large, and no
     * length of 56 bits added to an address comes round to 0. */
    uint64_t length = raw >> 1 | raw << 63;
    if (__builtin_expect(text == NULL || (uintptr_t)text + length > (uintptr_t)bytes->end, 0))
        return slow_string(s, row, at, bytes->end);
    if (__builtin_expect(doubts(text, length, bytes, is_wide) != 0, 0))
        return slow_string(s, row, at, bytes->end);
    mr_string *to = &((mr_string *)s->to)[row];
    to->length = (uint32_t)length;
    memcpy(to->prefix, text, 4);
    to->bytes = text;
    return text + length;
}

__attribute__((noinline)) static void set_null(machine *m, uint32_t column, uint32_t row)
{
    if (column != MR_AVRO_COLUMN_NONE)
        mr_vector_set_null(&m->columns[column], m->row + row, m->rows_max, m->arena);
}

/* Which branch of an option: 1 the value's, 0 null's, -1 none of them. */
MR_AVRO_INLINE int branch_of(machine *m, const step *s, uint64_t row, const char *at,
                             const char *end)
{
    if (__builtin_expect(at < end && (uint8_t)*at == s->branch, 1))
        return 1;
    if (at >= end || (uint8_t)*at != 2 - s->branch)
        return -1;
    set_null(m, s->column, (uint32_t)row);
    return 0;
}

DO skip_long(const char *at, const span *bytes, int64_t *value, bool is_wide)
{
    const char *behind = NULL;
    uint64_t raw = 0;
    if (__builtin_expect(at <= bytes->end_8, 1))
        behind = mr_avro_long_8(at, value, is_wide);
    if (__builtin_expect(behind != NULL, 1))
        return behind;
    behind = mr_avro_varint(at, bytes->end, &raw);
    *value = mr_avro_unzigzag(raw);
    return behind;
}

DO skip_bytes(const char *at, const span *bytes, bool is_wide)
{
    int64_t length = 0;
    const char *behind = skip_long(at, bytes, &length, is_wide);
    if (__builtin_expect(behind == NULL, 0))
        return NULL;
    return __builtin_expect(length < 0 || length > bytes->end - behind, 0) ? NULL : behind + length;
}

/* What is rarer than the cases of `run_row`, but for options. */
DO do_more(machine *m, const step *s, uint64_t row, const char *at, const span *bytes, bool is_wide)
{
    int64_t value = 0;
    const char *behind, *end = bytes->end;
    switch (s->kind) {
    case MR_AVRO_STEP_NULL: set_null(m, s->column, (uint32_t)row); return at;
    case MR_AVRO_STEP_SKIP_LONG: return skip_long(at, bytes, &value, is_wide);
    case MR_AVRO_STEP_SKIP_BYTES: return skip_bytes(at, bytes, is_wide);
    case MR_AVRO_STEP_SKIP_FIXED: return end - at < s->limit ? NULL : at + s->limit;
    case MR_AVRO_STEP_INT:
        behind = skip_long(at, bytes, &value, is_wide);
        ((int32_t *)s->to)[row] = (int32_t)value;
        return value == (int32_t)value ? behind : NULL;
    case MR_AVRO_STEP_DOUBLE:
        if (end - at < (int64_t)sizeof(double))
            return NULL;
        memcpy(&((double *)s->to)[row], at, sizeof(double));
        return at + sizeof(double);
    default: /* BOOLEAN */
        if (at == end || (uint8_t)*at > 1)
            return NULL;
        ((uint8_t *)s->to)[row] = (uint8_t)*at;
        return at + 1;
    }
}

/* A step that is none of the two that `run_row` knows; NULL also where the row ends too soon. */
DO do_other(machine *m, const step **at_step, uint64_t row, const char *at, const span *bytes,
            bool is_wide)
{
    const step *s = *at_step;
    if (s->kind > MR_AVRO_STEP_OPTION)
        return do_more(m, s, row, at, bytes, is_wide);
    int branch = branch_of(m, s, row, at, bytes->end);
    if (__builtin_expect(branch < 0, 0))
        return NULL;
    at++;
    if (branch == 0)
        *at_step += s->kind == MR_AVRO_STEP_OPTION; /* and the value's own step */
    else if (s->kind == MR_AVRO_STEP_OPTION_STRING)
        at = do_string(s, row, at, bytes, is_wide);
    else if (s->kind == MR_AVRO_STEP_OPTION_LONG)
        at = do_long(s, row, at, bytes, is_wide);
    return at;
}

MR_AVRO_INLINE bool run_row(machine *m, const step *s, uint64_t row, const char *at,
                            const span *bytes, bool is_wide)
{
    for (;;) {
        for (; s->kind == MR_AVRO_STEP_LONG; s++)
            if ((at = do_long(s, row, at, bytes, is_wide)) == NULL)
                return false;
        for (; s->kind == MR_AVRO_STEP_STRING; s++)
            if ((at = do_string(s, row, at, bytes, is_wide)) == NULL)
                return false;
        if (s->kind == MR_AVRO_STEP_LONG)
            continue;
        if (s->kind == MR_AVRO_STEP_END)
            return at == bytes->end;
        if ((at = do_other(m, &s, row, at, bytes, is_wide)) == NULL)
            return false;
        s++;
    }
}

MR_AVRO_INLINE uint32_t run(machine *m, const step *steps, const mr_avro_prefix *prefix,
                            const mr_record *records, uint32_t from, uint32_t count, uint32_t *rows,
                            bool is_wide)
{
    uint64_t mask = (UINT64_C(1) << prefix->length * 8) - 1, head;
    for (uint32_t i = 0; i < count; i++) {
        const mr_record *record = &records[i];
        const char *start = record->value;
        uint32_t length = record->value_length;
        if (start == NULL || length < sizeof head)
            return i;
        memcpy(&head, start, sizeof head);
        if ((head & mask) != prefix->bytes)
            return i;
        span bytes = {.record = record, .end = start + length};
        bytes.end_8 = bytes.end - sizeof head;
        if (!run_row(m, steps, i, start + prefix->length, &bytes, is_wide))
            return i;
        rows[i] = from + i;
    }
    return count;
}

static uint32_t run_narrow(machine *m, const step *steps, const mr_avro_prefix *prefix,
                           const mr_record *records, uint32_t from, uint32_t count, uint32_t *rows)
{
    return run(m, steps, prefix, records, from, count, rows, false);
}

MR_AVRO_WIDE static uint32_t run_wide(machine *m, const step *steps, const mr_avro_prefix *prefix,
                                      const mr_record *records, uint32_t from, uint32_t count,
                                      uint32_t *rows)
{
    return run(m, steps, prefix, records, from, count, rows, true);
}

/* Steps write to row 0 and onwards of where they point to. */
static void aim(machine *m, mr_avro_step *steps, uint32_t row)
{
    m->row = row;
    for (step *s = steps; s->kind != MR_AVRO_STEP_END; s++)
        if (s->column != MR_AVRO_COLUMN_NONE) {
            const mr_vector *column = &m->columns[s->column];
            s->to = (char *)column->values + row * mr_lane_size(column->lane);
        }
}

uint32_t mr_avro_lane_run(machine *m, mr_avro_program *program, const mr_avro_prefix *prefix,
                          const mr_record *records, uint32_t from, uint32_t count, uint32_t *rows,
                          uint32_t *row)
{
    if (program->steps == NULL || from >= count)
        return from;
    aim(m, program->steps, *row);
    uint32_t taken = (m->is_narrow ? run_narrow : run_wide)(
        m, program->steps, prefix, records + from, from, count - from, rows + *row);
    *row += taken;
    if (from + taken < count)
        mr_avro_machine_clean(m, *row);
    return from + taken;
}
