/* Goal: compiled programs compute what the trees mean, whatever the selection, nulls and failures.
 * Method: random trees over random columns against a row-at-a-time oracle; listings for what is
 * shared. */
#include "engine/base/buffer.h"
#include "engine/expr/program.h"
#include "operators/functions/resolve.h"
#include "tests/harness/expr_oracle.h"

#include <criterion/criterion.h>
#include <string.h>

#define ROWS 150
#define COLUMNS 7
#define TREES 4000
#define OUTPUTS 3

typedef struct world {
    mr_arena arena;
    mr_resolver resolver;
    uint64_t seed;
    mr_vector columns[COLUMNS]; /* 0-1 INT, 2-3 BIGINT, 4 DOUBLE, 5-6 BOOLEAN */
} world;

static uint32_t pick(world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

static mr_type column_type(uint32_t column)
{
    static const mr_type_kind kinds[] = {MR_TYPE_INT,    MR_TYPE_INT,    MR_TYPE_BIGINT,
                                         MR_TYPE_BIGINT, MR_TYPE_DOUBLE, MR_TYPE_BOOLEAN,
                                         MR_TYPE_BOOLEAN};
    return mr_type_of(kinds[column]);
}

/* Small numbers, zeros and the ends of the range: what makes overflow and division by zero. */
static int64_t random_number(world *w, bool is_wide)
{
    switch (pick(w, 8)) {
    case 0: return 0;
    case 1: return is_wide ? INT64_MAX - pick(w, 3) : INT32_MAX - (int64_t)pick(w, 3);
    case 2: return is_wide ? INT64_MIN + pick(w, 3) : INT32_MIN + (int64_t)pick(w, 3);
    default: return (int64_t)pick(w, 9) - 4;
    }
}

static void fill_columns(world *w)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        mr_vector *column = &w->columns[c];
        *column = mr_vector_new(column_type(c), ROWS, &w->arena);
        for (uint32_t row = 0; row < ROWS; row++) {
            switch (column->lane) {
            case MR_LANE_I32: column->i32[row] = (int32_t)random_number(w, false); break;
            case MR_LANE_I64: column->i64[row] = random_number(w, true); break;
            case MR_LANE_F64: column->f64[row] = (double)pick(w, 9) / 2 - 2; break;
            default: column->bools[row] = pick(w, 2) != 0; break;
            }
            if (c % 2 == 0 && pick(w, 4) == 0)
                mr_vector_set_null(column, row, ROWS, &w->arena);
        }
    }
}

static mr_expr *tree(world *w, bool is_boolean, uint32_t depth);

static mr_expr *leaf(world *w, bool is_boolean)
{
    if (is_boolean)
        return pick(w, 6) == 0 ? mr_make_boolean(&w->resolver, pick(w, 2) != 0)
                               : mr_make_column(&w->resolver, 5 + pick(w, 2), column_type(5));
    if (pick(w, 3) == 0)
        return mr_make_int(&w->resolver, random_number(w, pick(w, 4) == 0));
    uint32_t column = pick(w, 5);
    return mr_make_column(&w->resolver, column, column_type(column));
}

static mr_expr *predicate(world *w, uint32_t depth)
{
    static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">="};
    static const char *const tests[] = {"IS NULL", "IS NOT NULL"};
    static const char *const truths[] = {"NOT", "IS TRUE", "IS NOT TRUE"};
    mr_expr *args[3];
    switch (pick(w, 5)) {
    case 0:
    case 1:
        args[0] = tree(w, false, depth);
        args[1] = tree(w, false, depth);
        return mr_make_call(&w->resolver, comparisons[pick(w, 6)], args, 2);
    case 2:
        args[0] = tree(w, true, depth);
        return mr_make_call(&w->resolver, truths[pick(w, 3)], args, 1);
    case 3:
        args[0] = tree(w, false, depth);
        return mr_make_call(&w->resolver, tests[pick(w, 2)], args, 1);
    default:
        for (int i = 0; i < 3; i++)
            args[i] = tree(w, true, depth);
        return mr_make_call(&w->resolver, pick(w, 2) != 0 ? "AND" : "OR", args, 2 + pick(w, 2));
    }
}

static mr_expr *tree(world *w, bool is_boolean, uint32_t depth)
{
    static const char *const operators[] = {"+", "-", "*", "/", "%"};
    mr_expr *args[5], *made = NULL;
    if (depth == 0 || pick(w, 5) == 0)
        return leaf(w, is_boolean);
    depth--;
    uint32_t count = 3;
    switch (pick(w, 6)) {
    case 0:
        args[0] = tree(w, true, depth);
        args[1] = tree(w, is_boolean, depth);
        args[2] = is_boolean || pick(w, 3) != 0 ? tree(w, is_boolean, depth) : tree(w, true, depth);
        args[3] = tree(w, is_boolean, depth);
        made = mr_make_call(&w->resolver, "CASE", args,
                            args[2]->type.kind == MR_TYPE_BOOLEAN && !is_boolean ? 4 : 3);
        break;
    case 1:
        for (uint32_t i = 0; i < count; i++)
            args[i] = tree(w, is_boolean, depth);
        made = mr_make_call(&w->resolver, "COALESCE", args, count);
        break;
    default:
        if (is_boolean) {
            made = predicate(w, depth);
            break;
        }
        args[0] = tree(w, false, depth);
        args[1] = tree(w, false, depth);
        uint32_t which = pick(w, 5);
        if (args[0]->type.kind == MR_TYPE_DOUBLE || args[1]->type.kind == MR_TYPE_DOUBLE)
            which %= 3;
        made = mr_make_call(&w->resolver, operators[which], args, 2);
        break;
    }
    return made != NULL ? made : leaf(w, is_boolean);
}

static bool same_value(mr_type type, const mr_value *wanted, const mr_vector *got, uint32_t row)
{
    if (wanted->is_null || mr_vector_is_null(got, row))
        return wanted->is_null == mr_vector_is_null(got, row);
    switch (mr_type_lane(type)) {
    case MR_LANE_BOOL: return wanted->boolean == (got->bools[row] != 0);
    case MR_LANE_I32: return wanted->i32 == got->i32[row];
    case MR_LANE_I64: return wanted->i64 == got->i64[row];
    default:
        return wanted->f64 == got->f64[row] ||
               (wanted->f64 != wanted->f64 && got->f64[row] != got->f64[row]);
    }
}

static void compare_row(world *w, const mr_expr *const *outputs, const mr_vector *results,
                        const mr_row_errors *errors, uint32_t row, int round)
{
    bool has_failed = false, is_failed = false;
    mr_value wanted[OUTPUTS];
    for (int i = 0; i < OUTPUTS; i++)
        wanted[i] = mr_oracle_eval(outputs[i], w->columns, row, &has_failed);
    for (uint32_t e = 0; e < errors->count; e++)
        is_failed |= errors->error[e].row == row;
    cr_assert_eq(has_failed, is_failed, "tree %d row %u: failed %d, expected %d", round, row,
                 is_failed, has_failed);
    for (int i = 0; i < OUTPUTS && !has_failed; i++)
        cr_assert(same_value(outputs[i]->type, &wanted[i], &results[i], row),
                  "tree %d row %u output %d", round, row, i);
}

static uint32_t random_selection(world *w, uint32_t *selection)
{
    uint32_t count = 0, density = 1 + pick(w, 8);
    for (uint32_t row = 0; row < ROWS; row++)
        if (pick(w, density) == 0)
            selection[count++] = row;
    return count;
}

Test(programs, agree_with_a_row_at_a_time_oracle, .timeout = 500)
{
    for (int round = 0; round < TREES; round++) {
        world w = {.seed = (uint64_t)round * 77 + 5};
        w.resolver.arena = &w.arena;
        fill_columns(&w);
        const mr_expr *outputs[OUTPUTS];
        for (uint32_t i = 0; i < OUTPUTS; i++)
            outputs[i] = tree(&w, pick(&w, 2) != 0, 1 + pick(&w, 5));
        mr_program *program;
        mr_error err;
        cr_assert_eq(mr_program_new(outputs, OUTPUTS, NULL, &program, &err), MR_OK);
        for (int run = 0; run < 3; run++) {
            uint32_t selection[ROWS];
            mr_batch batch = mr_batch_new(COLUMNS, ROWS, &w.arena);
            memcpy(batch.columns, w.columns, sizeof w.columns);
            if (run > 0)
                batch = mr_batch_select(&batch, selection, random_selection(&w, selection));
            mr_row_errors errors = {.arena = &w.arena};
            mr_vector results[OUTPUTS];
            mr_program_run(program, &batch, results, &errors);
            for (uint32_t i = 0; i < batch.selected; i++)
                compare_row(&w, outputs, results, &errors, mr_batch_row(&batch, i), round);
        }
        mr_program_free(program);
        mr_arena_release(&w.arena);
    }
}

static void expect_listing(world *w, const mr_expr *const *outputs, uint32_t count,
                           const char *wanted)
{
    mr_program *program;
    mr_error err;
    cr_assert_eq(mr_program_new(outputs, count, NULL, &program, &err), MR_OK);
    mr_buffer text = {0};
    mr_program_print(program, &text);
    const char *got = mr_arena_string(&w->arena, text.data, text.length);
    cr_expect_str_eq(got, wanted, "%s", got);
    mr_buffer_release(&text);
    mr_program_free(program);
}

Test(programs, compute_common_parts_once_and_narrow_the_selection_for_what_can_fail)
{
    world w = {0};
    w.resolver.arena = &w.arena;
    mr_expr *a = mr_make_column(&w.resolver, 0, column_type(0));
    mr_expr *b = mr_make_column(&w.resolver, 1, column_type(1));
    mr_expr *zero = mr_make_int(&w.resolver, 0);
    mr_expr *sum1 = mr_make_call(&w.resolver, "+", (mr_expr *[]){a, b}, 2);
    mr_expr *sum2 = mr_make_call(&w.resolver, "+", (mr_expr *[]){a, b}, 2);
    mr_expr *square = mr_make_call(&w.resolver, "*", (mr_expr *[]){sum1, sum2}, 2);
    expect_listing(&w, (const mr_expr *[]){sum1, square}, 2,
                   "o3 = +(c0, c1) [all]\no4 = *(o3, o3) [all]\n= o3 o4\n");
    mr_expr *is_not = mr_make_call(&w.resolver, "<>", (mr_expr *[]){b, zero}, 2);
    mr_expr *ratio = mr_make_call(&w.resolver, "/", (mr_expr *[]){a, b}, 2);
    mr_expr *safe = mr_make_call(&w.resolver, "CASE", (mr_expr *[]){is_not, ratio}, 2);
    expect_listing(&w, (const mr_expr *[]){safe}, 1,
                   "o1 = init() [all]\nr4 = <>(c1, 0) [all]\n"
                   "s5 = where true(r4) [all]\nr7 = /(c0, c1) [s5]\n"
                   "o1 = move(r7) [s5]\ns8 = where not true(r4) [all]\n"
                   "o1 = move(NULL) [s8]\n= o1\n");
    mr_arena_release(&w.arena);
}

Test(programs, filter_keeps_true_rows_and_reports_failed_ones)
{
    world w = {.seed = 9};
    w.resolver.arena = &w.arena;
    int32_t values[] = {4, 0, 2, 1};
    mr_vector column = mr_vector_new(column_type(0), 4, &w.arena);
    memcpy(column.i32, values, sizeof values);
    mr_batch batch = mr_batch_new(1, 4, &w.arena);
    batch.columns[0] = column;
    mr_expr *x = mr_make_column(&w.resolver, 0, column_type(0));
    mr_expr *ratio =
        mr_make_call(&w.resolver, "/", (mr_expr *[]){mr_make_int(&w.resolver, 4), x}, 2);
    ratio->text = "4 / x";
    const mr_expr *test =
        mr_make_call(&w.resolver, "<", (mr_expr *[]){ratio, mr_make_int(&w.resolver, 3)}, 2);
    mr_program *program;
    mr_error err;
    cr_assert_eq(mr_program_new(&test, 1, NULL, &program, &err), MR_OK);
    mr_row_errors errors = {.arena = &w.arena};
    uint32_t to[4];
    cr_assert_eq(mr_program_filter(program, &batch, to, &errors), 2);
    cr_expect_eq(to[0], 0);
    cr_expect_eq(to[1], 2);
    cr_assert_eq(errors.count, 1);
    cr_expect_eq(errors.error[0].row, 1);
    cr_expect_eq(errors.error[0].code, MR_E_DIVISION_BY_ZERO);
    cr_expect_str_eq(errors.error[0].expression, "4 / x");
    mr_program_free(program);
    mr_arena_release(&w.arena);
}
