#include "tests/harness/blobs/server.h"

#include "connectors/schemas/http.h"
#include "engine/base/assert.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

static void run_child(const int *in, const int *out, const char *const *words)
{
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(in[1]);
    close(out[0]);
    close(out[1]);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

/* The first line it prints is its address. */
static bool start(mr_test_s3 *server, const char *const *words)
{
    int in[2], out[2];
    *server = (mr_test_s3){.input = -1};
    if (pipe(in) != 0 || pipe(out) != 0)
        return false;
    server->pid = fork();
    if (server->pid == 0)
        run_child(in, out, words);
    close(in[0]);
    close(out[1]);
    server->input = in[1];
    size_t length = 0;
    while (length + 1 < sizeof server->url && read(out[0], server->url + length, 1) == 1 &&
           server->url[length] != '\n')
        length++;
    server->url[length] = '\0';
    close(out[0]);
    if (length == 0)
        mr_test_s3_stop(server);
    return length > 0;
}

bool mr_test_s3_start(mr_test_s3 *server, const char *const *arguments)
{
    const char *words[WORDS_MAX] = {"python3", MR_SOURCE_DIR "/tests/harness/blobs/s3.py"};
    for (int i = 0; arguments != NULL && arguments[i] != NULL && i + 3 < WORDS_MAX; i++)
        words[2 + i] = arguments[i];
    return start(server, words);
}

bool mr_test_s3_start_moto(mr_test_s3 *server)
{
    char python[1024];
    const char *given = getenv("MILLRACE_MOTO_PYTHON"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (given != NULL)
        snprintf(python, sizeof python, "%s", given);
    else if (cache != NULL)
        snprintf(python, sizeof python, "%s/millrace/moto/bin/python", cache);
    else
        snprintf(python, sizeof python, "%s/.cache/millrace/moto/bin/python",
                 home != NULL ? home : "");
    const char *words[] = {python, MR_SOURCE_DIR "/tests/harness/blobs/moto_server.py", NULL};
    return access(python, X_OK) == 0 && start(server, words);
}

void mr_test_s3_stop(mr_test_s3 *server)
{
    if (server->pid <= 0)
        return;
    close(server->input);
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void mr_test_s3_fail(const mr_test_s3 *server, int status, int count, const char *code)
{
    char url[256], body[128];
    snprintf(url, sizeof url, "%s/-/fault", server->url);
    snprintf(body, sizeof body, "{\"status\": %d, \"count\": %d, \"code\": \"%s\"}", status, count,
             code);
    mr_http_answer answer = {0};
    mr_http *http = mr_http_new(&(mr_http_config){.connect_timeout_ms = 5000, .timeout_ms = 10000});
    mr_http_request(http, url, body, &answer);
    MR_ASSERT(answer.status == 200);
    mr_buffer_release(&answer.body);
    mr_http_free(http);
}

mr_blobs *mr_test_s3_open(const mr_test_s3 *server, const char *prefix,
                          const mr_blobs_options *options)
{
    mr_blobs_options all = options != NULL ? *options : (mr_blobs_options){0};
    if (all.access_key == NULL)
        all.access_key = "AKIDTEST";
    if (all.secret_key == NULL)
        all.secret_key = "secret/with+signs=";
    if (all.backoff_ms == 0)
        all.backoff_ms = 5;
    char address[512];
    snprintf(address, sizeof address, "s3://bench/%s?endpoint=%s&region=%s", prefix, server->url,
             all.region != NULL ? all.region : "eu-test-1");
    mr_blobs *blobs;
    mr_error err;
    mr_status status = mr_blobs_open(address, &all, &blobs, &err);
    MR_ASSERT(status == MR_OK);
    return blobs;
}
