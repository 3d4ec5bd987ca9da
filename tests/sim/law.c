#include "tests/sim/law.h"

#include "engine/base/assert.h"
#include "tests/sim/law/sessions.h"
#include "tests/sim/law/windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BROKEN_MAX 10000000 /* of hours; pages that no number touches cost nothing */

void mr_sim_law_init(mr_sim_law *law, int64_t size_ms, int64_t slide_ms)
{
    memset(law, 0, sizeof *law);
    law->size_ms = size_ms;
    law->slide_ms = slide_ms;
    law->broken_seen = calloc(BROKEN_MAX, 1);
    law->broken_copies = calloc(BROKEN_MAX, 1);
    MR_ASSERT(law->broken_seen != NULL && law->broken_copies != NULL);
}

void mr_sim_law_release(mr_sim_law *law)
{
    free(law->broken_seen);
    free(law->broken_copies);
    for (uint32_t key = 0; key < MR_SIM_KEYS_MAX; key++) {
        mr_sim_rows_release(&law->rows[key]);
        mr_sim_rows_release(&law->late_rows[key]);
    }
}

void mr_sim_law_forget(mr_sim_law *law)
{
    memset(law->late, 0, sizeof law->late);
    memset(law->result, 0, sizeof law->result);
    memset(law->results, 0, sizeof law->results);
    memset(law->broken_seen, 0, law->broken_sent);
    for (uint32_t key = 0; key < MR_SIM_KEYS_MAX; key++)
        mr_sim_rows_release(&law->late_rows[key]);
    law->rows_late = law->results_seen = law->refused_seen = 0;
}

void mr_sim_law_sent(mr_sim_law *law, uint32_t key, int64_t time_ms, int64_t amount)
{
    MR_ASSERT(key < MR_SIM_KEYS_MAX && time_ms >= 0 && time_ms < MR_SIM_TIME_MAX);
    law->sent[key][time_ms].count++;
    law->sent[key][time_ms].sum += amount;
    law->rows_sent++;
    mr_sim_rows_add(&law->rows[key], time_ms, amount);
}

bool mr_sim_law_take_input(mr_sim_law *law, const char *text, uint64_t *rows, char *why,
                           size_t size)
{
    uint8_t *seen = calloc(BROKEN_MAX, 1);
    MR_ASSERT(seen != NULL);
    bool is_good = true;
    *rows = 0;
    for (text += strspn(text, "\n"); is_good && *text != '\0'; text += strspn(text, "\n")) {
        uint32_t key;
        uint64_t number;
        int64_t time, amount;
        size_t length = strcspn(text, "\n");
        char line[256]; /* sscanf measures all that it is given, and there may be megabytes */
        snprintf(line, sizeof line, "%.*s", (int)(length < 255 ? length : 255), text);
        if (sscanf(line, "broken %" SCNu64, &number) == 1 && number < BROKEN_MAX)
            law->broken_copies[number] = seen[number]++;
        else if (sscanf(line, "k%" SCNu32 "|%" SCNd64 "|%" SCNd64, &key, &time, &amount) == 3)
            mr_sim_law_sent(law, key, time, amount);
        else
            is_good = false;
        if (!is_good)
            snprintf(why, size, "the feed sent `%s`", line);
        ++*rows;
        text += length;
    }
    free(seen);
    return is_good;
}

static bool put_result(mr_sim_law *law, uint32_t key, int64_t start, int64_t end, mr_sim_cell got)
{
    /* HOP windows may start before 0. */
    int64_t slot = law->is_session ? end - law->size_ms : end / law->slide_ms;
    if (key >= MR_SIM_KEYS_MAX || slot < 0 || slot >= MR_SIM_TIME_MAX ||
        (law->results[key][slot] != 0 && !law->is_repeating))
        return false;
    law->results[key][slot] = 1;
    law->result[key][slot] = got;
    law->start[key][slot] = start;
    law->results_seen++;
    return true;
}

/* A session [start, end) of what was sent. */
static bool session_was_sent(const mr_sim_law *law, uint32_t key, int64_t start, int64_t end,
                             int64_t count)
{
    int64_t last = end - law->size_ms, sent = 0;
    if (key >= MR_SIM_KEYS_MAX || start < 0 || last < start || last >= MR_SIM_TIME_MAX ||
        law->sent[key][start].count == 0 || law->sent[key][last].count == 0)
        return false;
    for (int64_t t = start; t <= last; t++)
        sent += law->sent[key][t].count;
    return count > 0 && count <= sent;
}

static bool take_result(mr_sim_law *law, const char *line, char *why, size_t size)
{
    uint32_t key;
    int64_t start, end, count, sum;
    if (sscanf(line, "k%" SCNu32 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64 "|%" SCNd64, &key, &start,
               &end, &count, &sum) != 5 ||
        (law->is_session ? !session_was_sent(law, key, start, end, count)
                         : end - start != law->size_ms) ||
        !put_result(law, key, start, end, (mr_sim_cell){count, sum})) {
        snprintf(why, size, "result `%s` is malformed or came twice", line);
        return false;
    }
    return true;
}

/* `"c1":"1970-01-01 00:00:01.250"` in ms: all windows end in the first minute. */
static bool find_time(const char *line, const char *column, int64_t *ms)
{
    int64_t seconds, rest;
    const char *at = strstr(line, column);
    if (at == NULL || sscanf(at + strlen(column), "\"1970-01-01%*c00:00:%" SCNd64 ".%" SCNd64 "\"",
                             &seconds, &rest) != 2)
        return false;
    *ms = seconds * 1000 + rest;
    return true;
}

/* A result that the output topic refused: the row as text. A window of HOP may start in 1969. */
static bool take_refused(mr_sim_law *law, const char *line, char *why, size_t size)
{
    uint32_t key;
    int64_t start, end = 0, count, sum;
    const char *numbers = strstr(line, "\"c3\":");
    bool is_good = numbers != NULL && sscanf(line, "{\"c0\":\"k%" SCNu32 "\"", &key) == 1 &&
                   find_time(line, "\"c2\":", &end) &&
                   sscanf(numbers, "\"c3\":%" SCNd64 ",\"c4\":%" SCNd64 "}", &count, &sum) == 2;
    if (!find_time(line, "\"c1\":", &start)) {
        is_good = is_good && !law->is_session;
        start = end - law->size_ms;
    }
    if (!is_good || !put_result(law, key, start, end, (mr_sim_cell){count, sum})) {
        snprintf(why, size, "refused result `%s` is malformed or came twice", line);
        return false;
    }
    law->refused_seen++;
    return true;
}

static bool take_late(mr_sim_law *law, const char *line, char *why, size_t size)
{
    uint32_t key;
    int64_t time, amount;
    if (sscanf(line, "k%" SCNu32 "|%" SCNd64 "|%" SCNd64 "|", &key, &time, &amount) != 3 ||
        key >= MR_SIM_KEYS_MAX || time < 0 || time >= MR_SIM_TIME_MAX) {
        snprintf(why, size, "malformed late row `%s`", line);
        return false;
    }
    law->late[key][time].count++;
    law->late[key][time].sum += amount;
    law->rows_late++;
    mr_sim_rows_add(&law->late_rows[key], time, amount);
    return true;
}

static bool take_broken(mr_sim_law *law, const char *line, char *why, size_t size)
{
    uint64_t number;
    if (sscanf(line, "broken %" SCNu64, &number) != 1 || number >= law->broken_sent ||
        (law->broken_seen[number] > law->broken_copies[number] && !law->is_repeating)) {
        snprintf(why, size, "dead letter `%s` is malformed or came twice", line);
        return false;
    }
    if (law->broken_seen[number] <= law->broken_copies[number])
        law->broken_seen[number]++;
    return true;
}

bool mr_sim_law_take(mr_sim_law *law, const char *topic, const char *text, char *why, size_t size)
{
    char line[256];
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length == 0) {
            text++;
            continue;
        }
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        text += length;
        bool is_good = strcmp(topic, "out") == 0    ? take_result(law, line, why, size)
                       : strcmp(topic, "late") == 0 ? take_late(law, line, why, size)
                       : line[0] == '{'             ? take_refused(law, line, why, size)
                                                    : take_broken(law, line, why, size);
        if (!is_good)
            return false;
    }
    return true;
}

/* At least once: of one window of one key the count has bounds. */
static bool window_holds(const mr_sim_law *law, uint32_t key, int64_t start, char *why, size_t size)
{
    int64_t sent = 0, late = 0;
    for (int64_t t = start < 0 ? 0 : start; t < start + law->size_ms && t < MR_SIM_TIME_MAX; t++) {
        sent += law->sent[key][t].count;
        late += law->late[key][t].count;
    }
    mr_sim_cell got = law->result[key][(start + law->size_ms) / law->slide_ms];
    bool is_tumble = law->size_ms == law->slide_ms;
    bool holds = got.count <= sent && (!is_tumble || got.count >= sent - late);
    if (!holds)
        snprintf(why, size,
                 "k%" PRIu32 "[%" PRId64 ",%" PRId64 "): sent %" PRId64 ", late %" PRId64
                 ", counted %" PRId64,
                 key, start, start + law->size_ms, sent, late, got.count);
    return holds;
}

/* The same: every row that is not late for all of its windows is in its last one. */
static bool last_windows_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size)
{
    for (int64_t t = 0; t < MR_SIM_TIME_MAX; t += law->slide_ms) {
        int64_t sent = 0, late = 0;
        for (int64_t u = t; u < t + law->slide_ms && u < MR_SIM_TIME_MAX; u++) {
            sent += law->sent[key][u].count;
            late += law->late[key][u].count;
        }
        mr_sim_cell got = law->result[key][(t + law->size_ms) / law->slide_ms];
        if (got.count < sent - late) {
            snprintf(why, size,
                     "k%" PRIu32 " at %" PRId64 ": %" PRId64 " rows sent, %" PRId64
                     " late, %" PRId64 " counted in their last window",
                     key, t, sent, late, got.count);
            return false;
        }
    }
    return true;
}

/* The same: no row of a key is lost, whatever sessions they made. */
static bool totals_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size)
{
    int64_t sent = 0, got = 0;
    for (int64_t t = 0; t < MR_SIM_TIME_MAX; t++) {
        sent += law->sent[key][t].count - law->late[key][t].count;
        got += law->result[key][t].count;
    }
    if (got >= sent)
        return true;
    snprintf(why, size, "k%" PRIu32 ": %" PRId64 " rows sent and not late, %" PRId64 " in sessions",
             key, sent, got);
    return false;
}

static bool bounds_hold(const mr_sim_law *law, uint32_t key, char *why, size_t size)
{
    if (law->is_session)
        return totals_hold(law, key, why, size);
    for (int64_t start = law->slide_ms - law->size_ms; start < MR_SIM_TIME_MAX - law->size_ms;
         start += law->slide_ms)
        if (!window_holds(law, key, start, why, size))
            return false;
    return last_windows_hold(law, key, why, size);
}

bool mr_sim_law_holds(const mr_sim_law *law, char *why, size_t size)
{
    for (uint64_t n = 0; n < law->broken_sent; n++) {
        if (law->broken_seen[n] != 1 + law->broken_copies[n]) {
            snprintf(why, size, "broken record %" PRIu64 " is in %d of %d dead letters", n,
                     law->broken_seen[n], 1 + law->broken_copies[n]);
            return false;
        }
    }
    for (uint32_t key = 0; key < MR_SIM_KEYS_MAX; key++) {
        bool holds = law->is_repeating && !law->is_in_order ? bounds_hold(law, key, why, size)
                     : law->is_session ? mr_sim_sessions_hold(law, key, why, size)
                                       : mr_sim_windows_hold(law, key, why, size);
        if (!holds)
            return false;
    }
    return true;
}
