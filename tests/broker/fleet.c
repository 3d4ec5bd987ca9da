#include "tests/broker/fleet.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `millrace VERB ..` in the script's folder; what it said is in the file "said". */
int fleet_say(const script *s, const char *verb, const char *argument)
{
    char command[1024];
    snprintf(
        command, sizeof command,
        "cd '%s' && \"$MILLRACE\" %s %s --fleet '%s-fleet' --kafka \"$MILLRACE_TEST_BROKER\" > "
        "said 2>&1",
        s->dir, verb, argument, s->name);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t fleet_start_worker(const script *s, const char *state)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child > 0)
        return child;
    char fleet[200], log[64], stats[64];
    snprintf(fleet, sizeof fleet, "%s-fleet", s->name);
    snprintf(log, sizeof log, "said-%s", state);
    snprintf(stats, sizeof stats, "prometheus:metrics-%s", state);
    const char *millrace = getenv("MILLRACE");
    if (chdir(s->dir) != 0 || freopen(log, "a", stderr) == NULL)
        _exit(99);
    execl(millrace, millrace, "worker", "--fleet", fleet, "--kafka", getenv("MILLRACE_TEST_BROKER"),
          "--state-dir", state, "-v", "-X", "session.timeout.ms=6000", "--stats", stats,
          (char *)NULL);
    _exit(99);
}

/* Until `list` or `status` says so. */
void fleet_await_said(const script *s, const char *verb, const char *argument, const char *part)
{
    double end_ms = kafka_ms() + FLEET_READY_MS;
    for (;;) {
        cr_assert_eq(fleet_say(s, verb, argument), 0, "%s", script_read_file(s, "said"));
        if (strstr(script_read_file(s, "said"), part) != NULL)
            return;
        cr_assert_lt(kafka_ms(), end_ms, "no `%s`: %s", part, script_read_file(s, "said"));
        usleep(300000);
    }
}

void fleet_stop_worker(const script *s, pid_t worker)
{
    kill(worker, SIGTERM);
    cr_expect_eq(script_finish(s, worker), 0);
}
