#include "tests/harness/blobs/conformance.h"

#include "engine/base/assert.h"
#include "engine/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OWN_ERROR 4999 /* no code of the port */
/* Larger than any buffer on the way, and no multiple of one. */
#define LARGE_SIZE ((uint64_t)5 * 1024 * 1024 + 12345)

/* ---- verbs ---- */

static mr_status read_text(void *context, uint64_t offset, char *to, size_t length, mr_error *err)
{
    (void)err;
    memcpy(to, (const char *)context + offset, length);
    return MR_OK;
}

mr_status mr_test_blob_put(mr_blobs *blobs, const char *name, const char *text, mr_blob_put how,
                           mr_error *err)
{
    mr_blob_source source = {strlen(text), read_text, (void *)(uintptr_t)text};
    return blobs->class->put(blobs, name, &source, how, err);
}

static mr_status write_text(void *context, uint64_t offset, const char *bytes, size_t length,
                            mr_error *err)
{
    (void)err;
    mr_buffer *text = context;
    if (offset == 0)
        mr_buffer_clear(text);
    MR_ASSERT(offset == text->length);
    mr_buffer_put(text, bytes, length);
    return MR_OK;
}

char *mr_test_blob_get(mr_blobs *blobs, const char *name, mr_status *status, mr_error *err)
{
    mr_buffer text = {0};
    mr_blob_target target = {write_text, &text};
    *status = blobs->class->get(blobs, name, &target, err);
    mr_buffer_put_u8(&text, '\0');
    if (*status == MR_OK)
        return text.data;
    mr_buffer_release(&text);
    return NULL;
}

static mr_status note(void *context, const mr_blob_facts *facts, mr_error *err)
{
    (void)err;
    mr_buffer *text = context;
    mr_buffer_printf(text, "%s%s:%llu", text->length > 0 ? " " : "", facts->name,
                     (unsigned long long)facts->size);
    return MR_OK;
}

char *mr_test_blob_list(mr_blobs *blobs, const char *prefix, mr_status *status, mr_error *err)
{
    mr_buffer text = {0};
    *status = blobs->class->list(blobs, prefix, note, &text, err);
    mr_buffer_put_u8(&text, '\0');
    return text.data;
}

/* ---- saying what was seen ---- */

typedef struct check {
    mr_blobs *blobs;
    char *why;
    size_t why_size;
    bool has_failed;
} check;

static void expect(check *c, bool is_so, const char *what, const char *seen)
{
    if (is_so || c->has_failed)
        return;
    c->has_failed = true;
    snprintf(c->why, c->why_size, "%s, seen: %s", what, seen);
}

static void put(check *c, const char *name, const char *text, mr_blob_put how, mr_status wanted)
{
    mr_error err = {0};
    char what[900];
    mr_status status = mr_test_blob_put(c->blobs, name, text, how, &err);
    snprintf(what, sizeof what, "put of %s gives MR%d", name, wanted);
    expect(c, status == wanted, what, status != MR_OK ? err.message : "MR0");
}

static void expect_text(check *c, const char *name, const char *wanted)
{
    mr_error err = {0};
    mr_status status;
    char what[900];
    char *text = mr_test_blob_get(c->blobs, name, &status, &err);
    snprintf(what, sizeof what, "%s holds %s", name, wanted);
    expect(c, text != NULL && strcmp(text, wanted) == 0, what, text != NULL ? text : err.message);
    free(text);
}

static void expect_missing(check *c, const char *name)
{
    mr_error err = {0};
    mr_status status;
    char *text = mr_test_blob_get(c->blobs, name, &status, &err);
    expect(c, status == MR_E_BLOB_MISSING, "no such blob", text != NULL ? text : err.message);
    free(text);
}

static void expect_list(check *c, const char *prefix, const char *wanted)
{
    mr_error err = {0};
    mr_status status;
    char *text = mr_test_blob_list(c->blobs, prefix, &status, &err);
    expect(c, status == MR_OK && strcmp(text, wanted) == 0, wanted,
           status == MR_OK ? text : err.message);
    free(text);
}

static void drop(check *c, const char *name)
{
    mr_error err = {0};
    mr_status status = c->blobs->class->remove(c->blobs, name, &err);
    expect(c, status == MR_OK, "removed", err.message);
}

/* ---- checks ---- */

static void what_was_put_is_got(check *c)
{
    put(c, "a", "one", MR_BLOB_REPLACE, MR_OK);
    put(c, "b/c/d", "", MR_BLOB_REPLACE, MR_OK);
    expect_text(c, "a", "one");
    expect_text(c, "b/c/d", "");
}

static void replaces_all_of_it(check *c)
{
    put(c, "a", "a long first text", MR_BLOB_REPLACE, MR_OK);
    put(c, "a", "two", MR_BLOB_REPLACE, MR_OK);
    expect_text(c, "a", "two");
}

static void puts_only_where_there_is_none(check *c)
{
    put(c, "m/1", "first", MR_BLOB_IF_ABSENT, MR_OK);
    put(c, "m/1", "second", MR_BLOB_IF_ABSENT, MR_E_BLOB_EXISTS);
    expect_text(c, "m/1", "first");
    drop(c, "m/1");
    put(c, "m/1", "third", MR_BLOB_IF_ABSENT, MR_OK);
    expect_text(c, "m/1", "third");
}

static void what_is_not_there_is_missing(check *c)
{
    expect_missing(c, "nothing");
    put(c, "folder/blob", "x", MR_BLOB_REPLACE, MR_OK);
    expect_missing(c, "folder/other");
    expect_missing(c, "folder/blob/below");
}

static void removes_what_is_there_and_what_is_not(check *c)
{
    put(c, "a/b", "x", MR_BLOB_REPLACE, MR_OK);
    drop(c, "a/b");
    drop(c, "a/b");
    drop(c, "never/was");
    expect_missing(c, "a/b");
    expect_list(c, "", "");
}

static void lists_by_prefix_in_order(check *c)
{
    expect_list(c, "", "");
    put(c, "job/task-1/files/b", "22", MR_BLOB_REPLACE, MR_OK);
    put(c, "job/task-10/files/a", "1", MR_BLOB_REPLACE, MR_OK);
    put(c, "job/task-1/files/a", "1", MR_BLOB_REPLACE, MR_OK);
    put(c, "job-2/task-1/files/a", "333", MR_BLOB_REPLACE, MR_OK);
    put(c, "%4Aob=x._y", "1", MR_BLOB_REPLACE, MR_OK);
    expect_list(c, "job/task-1/", "job/task-1/files/a:1 job/task-1/files/b:2");
    expect_list(c, "job/task-1", "job/task-1/files/a:1 job/task-1/files/b:2 job/task-10/files/a:1");
    expect_list(c, "",
                "%4Aob=x._y:1 job-2/task-1/files/a:3 job/task-1/files/a:1 job/task-1/files/b:2 "
                "job/task-10/files/a:1");
    expect_list(c, "joker", "");
    expect_list(c, "job/task-1/files/a/", "");
}

static void lists_more_than_a_page(check *c)
{
    mr_buffer wanted = {0};
    for (int i = 0; i < 23; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%03d", i);
        put(c, name, "x", MR_BLOB_REPLACE, MR_OK);
        mr_buffer_printf(&wanted, "%s%s:1", i > 0 ? " " : "", name);
    }
    mr_buffer_put_u8(&wanted, '\0');
    expect_list(c, "many/", wanted.data);
    mr_buffer_release(&wanted);
}

static mr_status remove_listed(void *context, const mr_blob_facts *facts, mr_error *err)
{
    mr_blobs *blobs = context;
    char name[MR_BLOB_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s", facts->name);
    return blobs->class->remove(blobs, name, err);
}

static void may_remove_while_it_lists(check *c)
{
    for (int i = 0; i < 17; i++) {
        char name[32];
        snprintf(name, sizeof name, "gone/%02d", i);
        put(c, name, "x", MR_BLOB_REPLACE, MR_OK);
    }
    mr_error err = {0};
    mr_status status = c->blobs->class->list(c->blobs, "gone/", remove_listed, c->blobs, &err);
    expect(c, status == MR_OK, "all removed", err.message);
    expect_list(c, "", "");
}

static mr_status stop_at_second(void *context, const mr_blob_facts *facts, mr_error *err)
{
    (void)facts;
    int *seen = context;
    return ++*seen == 2 ? mr_error_set(err, MR_E_INTERNAL, "enough") : MR_OK;
}

static void a_visitor_stops_the_list(check *c)
{
    put(c, "a", "x", MR_BLOB_REPLACE, MR_OK);
    put(c, "b", "x", MR_BLOB_REPLACE, MR_OK);
    put(c, "c", "x", MR_BLOB_REPLACE, MR_OK);
    mr_error err = {0};
    int seen = 0;
    mr_status status = c->blobs->class->list(c->blobs, "", stop_at_second, &seen, &err);
    expect(c, status == MR_E_INTERNAL && seen == 2, "stopped at the second", err.message);
}

static mr_status keep_time(void *context, const mr_blob_facts *facts, mr_error *err)
{
    (void)err;
    *(int64_t *)context = facts->modified_ms;
    return MR_OK;
}

static int64_t time_of(check *c, const char *name)
{
    mr_error err = {0};
    int64_t ms = -1;
    mr_status status = c->blobs->class->list(c->blobs, name, keep_time, &ms, &err);
    expect(c, status == MR_OK && ms > 0, "a time", err.message);
    return ms;
}

static void a_put_makes_it_young(check *c)
{
    int64_t before = (int64_t)time(NULL) * 1000;
    put(c, "f", "same", MR_BLOB_REPLACE, MR_OK);
    int64_t first = time_of(c, "f");
    expect(c, first >= before - 2000 && first < before + 60000, "the time of now", "another");
    nanosleep(&(struct timespec){1, 100000000}, NULL); /* some stores tell seconds only */
    put(c, "f", "same", MR_BLOB_REPLACE, MR_OK);
    expect(c, time_of(c, "f") > first, "a later time", "the first");
}

static char pattern(uint64_t at)
{
    return (char)((at * 2654435761u) >> 13);
}

static mr_status read_pattern(void *context, uint64_t offset, char *to, size_t length,
                              mr_error *err)
{
    (void)context;
    (void)err;
    for (size_t i = 0; i < length; i++)
        to[i] = pattern(offset + i);
    return MR_OK;
}

typedef struct compared {
    uint64_t next;
    bool is_other;
} compared;

static mr_status compare_pattern(void *context, uint64_t offset, const char *bytes, size_t length,
                                 mr_error *err)
{
    (void)err;
    compared *to = context;
    if (offset == 0)
        *to = (compared){0};
    to->is_other = to->is_other || offset != to->next;
    for (size_t i = 0; i < length; i++)
        to->is_other = to->is_other || bytes[i] != pattern(offset + i);
    to->next = offset + length;
    return MR_OK;
}

static void large_blobs_pass_in_pieces(check *c)
{
    mr_error err = {0};
    mr_blob_source source = {LARGE_SIZE, read_pattern, NULL};
    mr_status status = c->blobs->class->put(c->blobs, "large", &source, MR_BLOB_REPLACE, &err);
    expect(c, status == MR_OK, "put", err.message);
    compared got = {0};
    mr_blob_target target = {compare_pattern, &got};
    status = c->blobs->class->get(c->blobs, "large", &target, &err);
    expect(c, status == MR_OK && got.next == LARGE_SIZE && !got.is_other, "the same bytes",
           err.message);
}

static mr_status fail_half_way(void *context, uint64_t offset, char *to, size_t length,
                               mr_error *err)
{
    if (offset + length > LARGE_SIZE / 2)
        return mr_error_set(err, OWN_ERROR, "the file ends early");
    return read_pattern(context, offset, to, length, err);
}

static mr_status fail_to_write(void *context, uint64_t offset, const char *bytes, size_t length,
                               mr_error *err)
{
    (void)context;
    (void)bytes;
    return offset + length > 1000 ? mr_error_set(err, OWN_ERROR, "disk full") : MR_OK;
}

static void a_source_that_fails_leaves_nothing(check *c)
{
    mr_error err = {0};
    mr_blob_source source = {LARGE_SIZE, fail_half_way, NULL};
    mr_status status = c->blobs->class->put(c->blobs, "half", &source, MR_BLOB_REPLACE, &err);
    expect(c, status == OWN_ERROR, "the source's own error", err.message);
    expect_missing(c, "half");
    expect_list(c, "", "");
}

static void a_target_that_fails_ends_the_get(check *c)
{
    mr_error err = {0};
    mr_blob_source source = {LARGE_SIZE, read_pattern, NULL};
    mr_status status = c->blobs->class->put(c->blobs, "large", &source, MR_BLOB_REPLACE, &err);
    mr_blob_target target = {fail_to_write, NULL};
    if (status == MR_OK)
        status = c->blobs->class->get(c->blobs, "large", &target, &err);
    expect(c, status == OWN_ERROR, "the target's own error", err.message);
    expect_list(c, "", "large:5255225");
}

static void digests_are_sha256(check *c)
{
    char digest[MR_BLOB_DIGEST_SIZE];
    mr_error err = {0};
    mr_blob_source source = {3, read_text, (void *)(uintptr_t) "abc"};
    mr_status status = c->blobs->class->digest(c->blobs, &source, digest, &err);
    expect(c,
           status == MR_OK &&
               strcmp(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") ==
                   0,
           "the digest of abc (FIPS 180-2)", digest);
}

#define CHECK(name)                                                      \
    static bool play_##name(mr_blobs *blobs, char *why, size_t why_size) \
    {                                                                    \
        check c = {.blobs = blobs, .why = why, .why_size = why_size};    \
        name(&c);                                                        \
        return !c.has_failed;                                            \
    }
#define CHECKS(X)                            \
    X(what_was_put_is_got)                   \
    X(replaces_all_of_it)                    \
    X(puts_only_where_there_is_none)         \
    X(what_is_not_there_is_missing)          \
    X(removes_what_is_there_and_what_is_not) \
    X(lists_by_prefix_in_order)              \
    X(lists_more_than_a_page)                \
    X(may_remove_while_it_lists)             \
    X(a_visitor_stops_the_list)              \
    X(a_put_makes_it_young)                  \
    X(large_blobs_pass_in_pieces)            \
    X(a_source_that_fails_leaves_nothing)    \
    X(a_target_that_fails_ends_the_get)      \
    X(digests_are_sha256)

CHECKS(CHECK)

const mr_blob_check *mr_blob_check_at(size_t i)
{
#define ROW(name) {#name, play_##name},
    static const mr_blob_check checks[] = {CHECKS(ROW)};
#undef ROW
    return i < MR_LENGTH(checks) ? &checks[i] : NULL;
}
