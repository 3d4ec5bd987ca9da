#include "tests/harness/aggregate_oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct value {
    bool is_null;
    mr_oracle_wide number;
    double real;
    const char *text;
} value;

static value value_of(const mr_oracle_row *row, mr_oracle_column column)
{
    switch (column) {
    case MR_ORACLE_STAR: return (value){.number = 1};
    case MR_ORACLE_AMOUNT: return (value){.is_null = !row->has_amount, .number = row->amount};
    case MR_ORACLE_PRICE: return (value){.is_null = !row->has_price, .number = row->price};
    case MR_ORACLE_RATIO: return (value){.is_null = !row->has_ratio, .real = row->ratio};
    case MR_ORACLE_DAY: return (value){.is_null = !row->has_day, .number = row->day};
    case MR_ORACLE_MOMENT: return (value){.is_null = !row->has_moment, .number = row->moment};
    case MR_ORACLE_FLAG: return (value){.is_null = row->flag < 0, .number = row->flag};
    case MR_ORACLE_NAME: return (value){.is_null = row->name == NULL, .text = row->name};
    }
    return (value){.is_null = true};
}

static int compare(const value *a, const value *b)
{
    if (a->text != NULL)
        return strcmp(a->text, b->text);
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->real < b->real ? -1 : a->real > b->real;
}

static void print_number(mr_oracle_wide number, char *to, size_t size)
{
    char digits[48];
    size_t at = sizeof digits - 1;
    bool is_negative = number < 0;
    digits[at] = '\0';
    do {
        int digit = (int)(number % 10);
        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        number /= 10;
    } while (number != 0);
    snprintf(to, size, "%s%s", is_negative ? "-" : "", digits + at);
}

static void print(const value *v, mr_oracle_column column, char *to, size_t size)
{
    if (v->is_null)
        snprintf(to, size, "null");
    else if (column == MR_ORACLE_NAME)
        snprintf(to, size, "%s", v->text);
    else if (column == MR_ORACLE_RATIO)
        snprintf(to, size, "%.17g", v->real);
    else
        print_number(v->number, to, size);
}

void mr_oracle_print_value(const mr_oracle_row *row, mr_oracle_column column, char *to, size_t size)
{
    value v = value_of(row, column);
    print(&v, column, to, size);
}

static bool counts(const mr_oracle_aggregate *aggregate, const mr_oracle_row *row)
{
    return (!aggregate->is_filtered || row->flag == 1) && !value_of(row, aggregate->column).is_null;
}

static bool was_there_before(const mr_oracle_aggregate *aggregate, const mr_oracle_row *const *rows,
                             size_t i)
{
    value mine = value_of(rows[i], aggregate->column);
    for (size_t j = 0; j < i; j++) {
        value other = value_of(rows[j], aggregate->column);
        if (counts(aggregate, rows[j]) && compare(&mine, &other) == 0)
            return true;
    }
    return false;
}

static value average(mr_oracle_column column, const value *sum, int64_t count)
{
    value result = {.real = sum->real / (double)count, .number = sum->number / count};
    if (column != MR_ORACLE_PRICE)
        return result;
    mr_oracle_wide scaled = sum->number * 10000, size = scaled < 0 ? -scaled : scaled;
    mr_oracle_wide rounded = (2 * size + count) / (2 * count);
    result.number = scaled < 0 ? -rounded : rounded;
    return result;
}

void mr_oracle_print_aggregate(const mr_oracle_aggregate *aggregate,
                               const mr_oracle_row *const *rows, size_t count, char *to,
                               size_t size)
{
    int64_t counted = 0;
    value sum = {0}, low = {.is_null = true}, high = {.is_null = true}, result = {.is_null = true};
    for (size_t i = 0; i < count; i++) {
        if (!counts(aggregate, rows[i]) ||
            (aggregate->is_distinct && was_there_before(aggregate, rows, i)))
            continue;
        value v = value_of(rows[i], aggregate->column);
        counted++;
        sum.number += v.number;
        sum.real += v.real;
        low = low.is_null || compare(&v, &low) < 0 ? v : low;
        high = high.is_null || compare(&v, &high) > 0 ? v : high;
    }
    switch (aggregate->function) {
    case MR_ORACLE_COUNT: snprintf(to, size, "%" PRId64, counted); return;
    case MR_ORACLE_SUM: result = sum; break;
    case MR_ORACLE_MIN: result = low; break;
    case MR_ORACLE_MAX: result = high; break;
    case MR_ORACLE_AVG:
        if (counted > 0)
            result = average(aggregate->column, &sum, counted);
        break;
    }
    result.is_null = counted == 0;
    print(&result, aggregate->column, to, size);
}
