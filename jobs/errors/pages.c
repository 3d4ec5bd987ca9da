#include "jobs/errors/pages.h"

#include "engine/base/assert.h"
#include "jobs/sql/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODES_MAX 512

/* As in jobs/demo/embedded.c: the assembler takes the files as they are. */
#define EMBED(name)                                       \
    __asm__(".section .rodata\n"                          \
            ".global mr_errors_" name "\n"                \
            "mr_errors_" name ":\n"                       \
            ".incbin \"" MR_ERRORS_DIR "/" name ".md\"\n" \
            ".byte 0\n"                                   \
            ".previous\n")

EMBED("syntax");
EMBED("names");
EMBED("tables");
EMBED("queries");
EMBED("settings");
EMBED("records");
EMBED("state");
EMBED("kafka");

extern const char mr_errors_syntax[], mr_errors_names[], mr_errors_tables[], mr_errors_queries[],
    mr_errors_settings[], mr_errors_records[], mr_errors_state[], mr_errors_kafka[];

static const char *const groups[] = {
    mr_errors_syntax,   mr_errors_names,   mr_errors_tables, mr_errors_queries,
    mr_errors_settings, mr_errors_records, mr_errors_state,  mr_errors_kafka,
};

#define HEADING "\n## MR"

const char *mr_error_group_title(size_t group)
{
    return group < MR_LENGTH(groups) ? groups[group] + strlen("# ") : NULL;
}

bool mr_error_page_next(size_t group, size_t *at, mr_error_page *page)
{
    const char *heading = strstr(groups[group] + *at, HEADING);
    if (heading == NULL)
        return false;
    const char *digits = heading + strlen(HEADING);
    char *space;
    page->code = (int)strtol(digits, &space, 10);
    MR_ASSERT(*space == ' ');
    page->title = space + 1;
    page->title_length = strcspn(page->title, "\n");
    page->body = page->title + page->title_length + 1;
    /* One byte early: the line end in front of a heading is a part of it. */
    const char *next = strstr(page->body - 1, HEADING);
    page->body_length = next != NULL ? (size_t)(next - page->body) : strlen(page->body);
    *at = (size_t)(page->body + page->body_length - groups[group]);
    return true;
}

bool mr_error_page_find(int code, mr_error_page *page)
{
    for (size_t g = 0; g < MR_LENGTH(groups); g++)
        for (size_t at = 0; mr_error_page_next(g, &at, page);)
            if (page->code == code)
                return true;
    return false;
}

void mr_error_pages_mention(int code)
{
    mr_error_page page;
    if (isatty(STDERR_FILENO) == 1 && mr_error_page_find(code, &page))
        fprintf(stderr, "\nmillrace explain-error MR%04d says what it means and how to mend it\n",
                code);
}

int mr_error_code_parse(const char *text)
{
    if (toupper((unsigned char)text[0]) == 'M' && toupper((unsigned char)text[1]) == 'R')
        text += 2;
    if (strlen(text) != 4 || strspn(text, "0123456789") != 4)
        return -1;
    return atoi(text);
}

int mr_error_code_nearest(int code)
{
    char wanted[16], texts[CODES_MAX][8];
    const char *names[CODES_MAX];
    size_t count = 0;
    mr_error_page page;
    for (size_t g = 0; g < MR_LENGTH(groups); g++)
        for (size_t at = 0; count < CODES_MAX && mr_error_page_next(g, &at, &page); count++) {
            snprintf(texts[count], sizeof texts[count], "%04d", page.code % 10000);
            names[count] = texts[count];
        }
    snprintf(wanted, sizeof wanted, "%04d", code);
    const char *nearest = mr_suggest(wanted, names, count);
    return nearest != NULL ? atoi(nearest) : -1;
}
