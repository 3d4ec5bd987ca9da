/*
 * Goal: splitter and decoder read what Python's csv module reads, from any file. Method: 60,000
 * generated documents, every second one mutated, in four dialects; the module reads them all in one
 * process. It stops at its first error; up to there rows must agree, and there ours must be bad.
 * What the encoder makes of the rows must read back as the same rows, and no cut of the bytes into
 * pieces may change anything.
 */
#include "tests/harness/csv_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DOCUMENTS 60000
#define DOCUMENT_MAX 2048

typedef struct generator {
    uint64_t state;
    uint32_t dialect;
    char text[DOCUMENT_MAX + 64];
    size_t length;
} generator;

typedef struct totals {
    uint64_t good, bad, unknown, quoted;
} totals;

static uint32_t pick(generator *g, uint32_t below)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (uint32_t)((g->state >> 16) % below);
}

static void add(generator *g, const char *text)
{
    size_t length = strlen(text);
    if (g->length + length < DOCUMENT_MAX) {
        memcpy(g->text + g->length, text, length);
        g->length += length;
    }
}

static const char DELIMITERS[] = ",\t;|", QUOTES[] = "\"'\"\"", ESCAPES[] = "\0\\\0^";

static void add_field(generator *g)
{
    static const char *const pieces[] = {"",
                                         "x",
                                         "plain",
                                         "1234567",
                                         "ä",
                                         "€",
                                         "😀",
                                         " ",
                                         "#",
                                         "\x7f",
                                         "a longer run of plain text, over sixteen bytes",
                                         "\"",
                                         "'",
                                         ",",
                                         ";"};
    char quote[2] = {QUOTES[g->dialect]}, delimiter[2] = {DELIMITERS[g->dialect]};
    char escape = ESCAPES[g->dialect];
    bool is_quoted = g->dialect != 2 && pick(g, 3) == 0;
    if (is_quoted)
        add(g, quote);
    for (uint32_t i = pick(g, 4); i > 0; i--) {
        const char *piece = pieces[pick(g, 15)];
        bool is_special = piece[0] == delimiter[0] || piece[0] == quote[0];
        char escaped[3] = {escape, piece[0]};
        if (!is_quoted && escape != '\0' && is_special)
            add(g, escaped);
        else if (is_quoted || piece[0] != delimiter[0])
            add(g, piece);
        if (is_quoted && piece[0] == quote[0])
            add(g, quote);
        if (is_quoted && pick(g, 6) == 0)
            add(g, pick(g, 2) ? "\n" : "\r\n");
        if (is_quoted && pick(g, 6) == 0)
            add(g, delimiter);
    }
    if (is_quoted)
        add(g, quote);
}

static void make_document(generator *g)
{
    char delimiter[2] = {DELIMITERS[g->dialect]};
    g->length = 0;
    if (pick(g, 8) == 0)
        add(g, "\xef\xbb\xbf"); /* a byte order mark */
    for (uint32_t row = 1 + pick(g, 4); row > 0; row--) {
        uint32_t fields = pick(g, 12) == 0 ? 1 + pick(g, 6) : MR_CSV_WIDTH;
        for (uint32_t i = 0; i < fields; i++) {
            add_field(g);
            if (i + 1 < fields)
                add(g, delimiter);
        }
        if (row > 1 || pick(g, 2))
            add(g, pick(g, 4) == 0 ? "\r\n" : "\n");
        if (pick(g, 10) == 0)
            add(g, "\n");
    }
}

static void mutate(generator *g)
{
    const char interesting[] = {
        DELIMITERS[g->dialect], QUOTES[g->dialect], '\n', 'x', ' ', '"', '\'', ESCAPES[g->dialect]};
    for (uint32_t i = 1 + pick(g, 2); i > 0 && g->length > 0; i--) {
        size_t at = pick(g, (uint32_t)g->length);
        char c = interesting[pick(g, 8)];
        if ((unsigned char)g->text[at] >= 0x80 || c == '\0')
            continue; /* the module reads characters, not bytes */
        if (pick(g, 3) > 0) {
            memmove(g->text + at + 1, g->text + at, g->length - at);
            g->length++;
            g->text[at] = c;
        } else {
            g->text[at] = c;
        }
    }
}

static void write_documents(const char *path)
{
    static generator g = {.state = 88172645463325252u};
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        g.dialect = pick(&g, MR_CSV_DIALECTS);
        make_document(&g);
        if (i % 2 == 1)
            mutate(&g);
        uint32_t length = (uint32_t)g.length;
        fputc((int)g.dialect, file);
        fwrite(&length, sizeof length, 1, file);
        fwrite(g.text, 1, g.length, file);
    }
    fclose(file);
}

static uint32_t get_u32(FILE *file)
{
    uint32_t value = 0;
    cr_assert_eq(fread(&value, sizeof value, 1, file), 1);
    return value;
}

/* The next row of the oracle; false: it is not one of the table's width. */
static bool get_row(FILE *file, mr_arena *arena, mr_string row[MR_CSV_WIDTH])
{
    uint32_t fields = get_u32(file);
    bool fits = fields == MR_CSV_WIDTH || fields == MR_CSV_WIDTH + 1;
    for (uint32_t i = 0; i < fields; i++) {
        uint32_t length = get_u32(file);
        char *bytes = mr_arena_alloc(arena, length);
        cr_assert_eq(fread(bytes, 1, length, file), length);
        if (i < MR_CSV_WIDTH)
            row[i] = mr_string_of(bytes, length);
        for (uint32_t b = 0; i == MR_CSV_WIDTH && b < length; b++)
            fits = fits && (unsigned char)bytes[b] <= ' ';
    }
    return fits;
}

static bool same(const mr_string *a, const mr_string *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void compare(FILE *verdicts, const mr_csv_rows *ours, uint32_t number, const char *text,
                    int length, totals *sums)
{
    mr_arena arena = {0};
    int flags = fgetc(verdicts);
    uint32_t rows = get_u32(verdicts);
    for (uint32_t r = 0; r < rows; r++) {
        mr_string row[MR_CSV_WIDTH];
        bool is_good = get_row(verdicts, &arena, row);
        if ((flags & 2) != 0)
            continue;
        cr_assert_lt(r, ours->count, "document %u: too few rows\n%.*s", number, length, text);
        cr_assert_eq(ours->row[r].is_bad, !is_good, "document %u, row %u\n%.*s", number, r, length,
                     text);
        sums->good += is_good;
        sums->bad += !is_good;
        for (uint32_t c = 0; is_good && c < MR_CSV_WIDTH; c++)
            cr_assert(same(&ours->row[r].field[c], &row[c]), "document %u, row %u, field %u\n%.*s",
                      number, r, c, length, text);
    }
    sums->unknown += (flags & 2) != 0;
    if (flags == 1) {
        sums->bad++;
        cr_assert(rows < ours->count && ours->row[rows].is_bad, "document %u: no error\n%.*s",
                  number, length, text);
    } else if (flags == 0) {
        cr_assert_eq(rows, ours->count, "document %u: too many rows\n%.*s", number, length, text);
    }
    mr_arena_release(&arena);
}

static void expect_same_rows(const mr_csv_rows *a, const mr_csv_rows *b, bool has_bad,
                             uint32_t number)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->row[i].is_bad && !has_bad)
            continue;
        cr_assert(k < b->count && b->row[k].is_bad == a->row[i].is_bad, "document %u", number);
        for (uint32_t c = 0; !a->row[i].is_bad && c < MR_CSV_WIDTH; c++)
            cr_assert(same(&a->row[i].field[c], &b->row[k].field[c]), "document %u", number);
        k++;
    }
    cr_assert_eq(k, b->count, "document %u", number);
}

static void check_document(uint32_t dialect, const char *text, uint32_t length, uint32_t number,
                           FILE *verdicts, totals *sums)
{
    static mr_csv_rows ours, other;
    mr_format_use use = mr_csv_dialect_of(dialect);
    mr_csv_rows_read(use, text, length, 0, &ours);
    compare(verdicts, &ours, number, text, (int)length, sums);
    if (number % 8 == 0) {
        mr_csv_rows_read(use, text, length, 1 + number % 7, &other);
        expect_same_rows(&ours, &other, true, number);
        mr_csv_rows_release(&other);
    }
    if (dialect != 2) { /* without quotes not everything can be written */
        mr_buffer written = {0};
        mr_csv_rows_write(use, &ours, &written);
        mr_csv_rows_read(use, written.data, written.length, 0, &other);
        expect_same_rows(&ours, &other, false, number);
        sums->quoted += written.length != length;
        mr_csv_rows_release(&other);
        mr_buffer_release(&written);
    }
    mr_csv_rows_release(&ours);
}

Test(csv_differential, reads_what_pythons_csv_module_reads)
{
    char documents[64], verdicts[64], command[512];
    snprintf(documents, sizeof documents, "/tmp/mr-csv-%d.in", (int)getpid());
    snprintf(verdicts, sizeof verdicts, "/tmp/mr-csv-%d.out", (int)getpid());
    write_documents(documents);
    snprintf(command, sizeof command, "python3 %s/tests/harness/csv_oracle.py %s %s", MR_SOURCE_DIR,
             documents, verdicts);
    cr_assert_eq(system(command), 0);
    FILE *in = fopen(documents, "rb"), *out = fopen(verdicts, "rb");
    totals sums = {0};
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        int dialect = fgetc(in);
        uint32_t length = get_u32(in);
        char *text = malloc((size_t)length + 1);
        cr_assert_eq(fread(text, 1, length, in), length);
        check_document((uint32_t)dialect, text, length, i, out, &sums);
        free(text);
    }
    cr_assert_eq(fgetc(out), EOF);
    fclose(in);
    fclose(out);
    unlink(documents);
    unlink(verdicts);
    /* The generator must reach both verdicts, else agreement says little. */
    cr_expect_gt(sums.good, DOCUMENTS);
    cr_expect_gt(sums.bad, DOCUMENTS / 10, "%llu", (unsigned long long)sums.bad);
    cr_expect_lt(sums.unknown, DOCUMENTS / 4, "%llu", (unsigned long long)sums.unknown);
    cr_expect_gt(sums.quoted, DOCUMENTS / 10);
}
