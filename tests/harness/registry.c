#include "tests/harness/registry.h"

#include "connectors/schemas/http.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 12

static void run_child(const int *in, const int *out, const char *const *arguments)
{
    const char *words[ARGUMENTS_MAX + 3] = {"python3", MR_SOURCE_DIR "/tests/harness/registry.py"};
    for (int i = 0; arguments != NULL && arguments[i] != NULL && i < ARGUMENTS_MAX; i++)
        words[2 + i] = arguments[i];
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[0]);
    close(in[1]);
    close(out[0]);
    close(out[1]);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

bool mr_test_registry_start(mr_test_registry *registry, const char *const *arguments)
{
    int in[2], out[2];
    *registry = (mr_test_registry){.input = -1};
    if (pipe(in) != 0 || pipe(out) != 0)
        return false;
    registry->pid = fork();
    if (registry->pid == 0)
        run_child(in, out, arguments);
    close(in[0]);
    close(out[1]);
    registry->input = in[1];
    size_t length = 0;
    while (length + 1 < sizeof registry->url) {
        ssize_t got = read(out[0], registry->url + length, 1);
        if (got != 1 || registry->url[length] == '\n')
            break;
        length++;
    }
    registry->url[length] = '\0';
    close(out[0]);
    return length > 0;
}

void mr_test_registry_stop(mr_test_registry *registry)
{
    if (registry->pid <= 0)
        return;
    close(registry->input);
    kill(registry->pid, SIGKILL);
    waitpid(registry->pid, NULL, 0);
    registry->pid = 0;
}

const char *mr_test_registry_call(const mr_test_registry *registry, const char *path,
                                  const char *body)
{
    static char kept[65536];
    char url[1024];
    mr_http_answer answer = {0};
    mr_http *http = mr_http_new(&(mr_http_config){.connect_timeout_ms = 5000, .timeout_ms = 10000});
    snprintf(url, sizeof url, "%s%s", registry->url, path);
    mr_http_request(http, url, body, &answer);
    snprintf(kept, sizeof kept, "%.*s", (int)answer.body.length,
             answer.body.length > 0 ? answer.body.data : "");
    mr_buffer_release(&answer.body);
    mr_http_free(http);
    return kept;
}

uint32_t mr_test_registry_put(const mr_test_registry *registry, const char *subject,
                              const char *schema, const char *more)
{
    char path[512], *body = NULL;
    snprintf(path, sizeof path, "/subjects/%s/versions", subject);
    json_t *text = json_string(schema);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    if (asprintf(&body, "{\"schema\":%s%s}", quoted, more != NULL ? more : "") < 0)
        abort();
    json_t *answer = json_loads(mr_test_registry_call(registry, path, body), 0, NULL);
    uint32_t id = (uint32_t)json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    json_decref(text);
    free(quoted);
    free(body);
    return id;
}

void mr_test_registry_fail(const mr_test_registry *registry, int status, int count)
{
    char body[100];
    snprintf(body, sizeof body, "{\"status\":%d,\"count\":%d}", status, count);
    mr_test_registry_call(registry, "/-/fault", body);
}

int mr_test_registry_requests(const mr_test_registry *registry)
{
    return atoi(mr_test_registry_call(registry, "/-/requests", NULL));
}

int mr_test_registry_gap(const mr_test_registry *registry, int last)
{
    char path[40];
    snprintf(path, sizeof path, "/-/gap/%d", last);
    return atoi(mr_test_registry_call(registry, path, NULL));
}
