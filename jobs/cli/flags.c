#include "jobs/cli/flags.h"

#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <string.h>

static const mr_flag_spec specs[] = {
    {MR_FLAG_NAME, "--name", "NAME",
     "the job's name: group id and prefix of its topics (default 'pipeline.name', else FILE's name "
     "without its ending)",
     NULL},
    {MR_FLAG_STATE_DIR, "--state-dir", "DIR",
     "local state (default ./millrace-state/JOB; of a fleet's worker ./millrace-state/fleet-NAME)",
     NULL},
    {MR_FLAG_INSTANCE, "--instance-id", "ID",
     "who it is among the job's workers, one alone (default: an id that its state directory holds)",
     NULL},
    {MR_FLAG_MEMORY, "--memory", "SIZE",
     "of this process for the job, or a fleet's jobs, as 256M (default: half of what there is)",
     NULL},
    {MR_FLAG_BOUNDED, "--bounded", NULL,
     "stop at the ends of the inputs known at start (default: run until SIGTERM)", NULL},
    {MR_FLAG_RESET, "--reset", NULL, "forget the job's state and offsets first", NULL},
    {MR_FLAG_CREATE_TOPICS, "--create-topics", NULL,
     "create missing topics of the job's tables (default: a missing one is an error)", NULL},
    {MR_FLAG_FROM, "--from", "POINT",
     "beginning, an epoch, a time, offsets or a checkpoint's name (default of replay: as early as "
     "can be restored; of fork: the last epoch)",
     NULL},
    {MR_FLAG_TO, "--to", "POINT",
     "as behind --from, or end (default of replay: end; rewind must have one)", NULL},
    {MR_FLAG_SUFFIX, "--outputs-suffix", "TEXT",
     "behind the names of the topics that it writes (default .replay)", NULL},
    {MR_FLAG_COMPARE, "--compare", NULL,
     "with what the live job wrote; exit code 1 when it differs", NULL},
    {MR_FLAG_AS, "--as", "NAME", "name of the new job; there is no default", NULL},
    {MR_FLAG_YES, "--yes", NULL, "do not ask", NULL},
    {MR_FLAG_STATE_LOSS, "--allow-state-loss", NULL,
     "also where operators lose what they hold (default: refused, with what would be lost)", NULL},
    {MR_FLAG_TAKE_OVER, "--take-over", NULL,
     "also a job whose name workers outside this fleet have: they share its tasks (default: "
     "refused)",
     NULL},
    {MR_FLAG_FLEET, "--fleet", "NAME", "which fleet: prefix of its jobs topic (default millrace)",
     NULL},
    {MR_FLAG_KAFKA, "--kafka", "HOST:PORT",
     "where the fleet's jobs topic lies (default: the cluster of FILE, where there is one)", NULL},
    {MR_FLAG_STATS, "--stats", "MODE",
     "ndjson: on stderr; prometheus:FILE; off (default: a status line, on a terminal)", NULL},
    {MR_FLAG_FORMAT, "--format", "text|dot|json", "how the plan is printed (default text)", NULL},
    {MR_FLAG_OUTPUT, "-o", "table|json|ndjson",
     "how the answer is printed: for people, as one object, as an object a line (default table)",
     NULL},
    {MR_FLAG_PROPERTY, "-X", "KEY=VALUE", "any librdkafka property; may be given again", NULL},
    {MR_FLAG_SETTING, "-D", "KEY=VALUE",
     "any SET of a job, wins over the script's; may be given again (`millrace config` lists them)",
     NULL},
    {MR_FLAG_QUIET, "-q", NULL, "errors only", "--quiet"},
    {MR_FLAG_VERBOSE, "-v", NULL, "more on stderr", "--verbose"},
    {MR_FLAG_HELP, "--help", NULL, "this text", "-h"},
};

const mr_flag_spec *mr_flag_specs(uint32_t *count)
{
    *count = sizeof specs / sizeof *specs;
    return specs;
}

/* `--name`, `--name=VALUE`, `-Xkey=value`, `-h`; *value: what is glued to it. */
static const mr_flag_spec *spec_of(const char *text, const char **value)
{
    *value = NULL;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (specs[i].also != NULL && strcmp(specs[i].also, text) == 0)
            return &specs[i];
        size_t length = strlen(specs[i].name);
        if (strncmp(specs[i].name, text, length) != 0)
            continue;
        if (text[length] == '\0')
            return &specs[i];
        if (specs[i].value == NULL)
            continue;
        if (specs[i].name[1] != '-' || text[length] == '=') {
            *value = text + length + (text[length] == '=');
            return &specs[i];
        }
    }
    return NULL;
}

static bool refuse(const char *command, const char *what, const char *text)
{
    fprintf(stderr, "millrace %s: %s: %s\nTry: millrace %s --help\n", command, what, text, command);
    return false;
}

static bool refuse_unknown(uint32_t allowed, const char *command, const char *text)
{
    const char *names[sizeof specs / sizeof *specs] = {0};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        names[i] = (allowed & (uint32_t)specs[i].flag) != 0 ? specs[i].name : NULL;
    const char *nearest = mr_suggest(text, names, sizeof names / sizeof *names);
    fprintf(stderr, "millrace %s: unknown option %s", command, text);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean %s?", nearest);
    fprintf(stderr, "\nTry: millrace %s --help\n", command);
    return false;
}

static bool store_pair(const char **list, uint32_t *count, const char *value, const char *command)
{
    if (strchr(value, '=') == NULL || value[0] == '=')
        return refuse(command, "KEY=VALUE is expected", value);
    if (*count == MR_FLAG_REPEATS_MAX)
        return refuse(command, "given too often", value);
    list[(*count)++] = value;
    return true;
}

/* The flag is a setting by a shorter name. */
static bool store_memory(mr_flags *flags, const char *value, const char *command)
{
    int length =
        snprintf(flags->memory, sizeof flags->memory, "taskmanager.memory.process.size=%s", value);
    if (length >= (int)sizeof flags->memory)
        return refuse(command, "a size is expected", value);
    return store_pair(flags->settings, &flags->settings_count, flags->memory, command);
}

static bool store_output(mr_flags *flags, const char *value)
{
    static const char *const names[] = {"table", "json", "ndjson"};
    for (int i = MR_FORM_TABLE; i <= MR_FORM_NDJSON; i++)
        if (strcmp(names[i], value) == 0) {
            flags->output = (mr_form)i;
            return true;
        }
    return false;
}

static bool store_stats(mr_flags *flags, const char *value)
{
    static const char prometheus[] = "prometheus:";
    if (strncmp(value, prometheus, strlen(prometheus)) == 0) {
        flags->stats = MR_STATS_PROMETHEUS;
        flags->stats_file = value + strlen(prometheus);
        return *flags->stats_file != '\0';
    }
    flags->stats = strcmp(value, "off") == 0 ? MR_STATS_OFF : MR_STATS_NDJSON;
    return flags->stats == MR_STATS_OFF || strcmp(value, "ndjson") == 0;
}

static bool store(mr_flags *flags, const mr_flag_spec *spec, const char *value, const char *command)
{
    flags->given |= (uint32_t)spec->flag;
    switch (spec->flag) {
    case MR_FLAG_NAME: flags->name = value; return true;
    case MR_FLAG_STATE_DIR: flags->state_dir = value; return true;
    case MR_FLAG_INSTANCE: flags->instance = value; return true;
    case MR_FLAG_FROM: flags->from = value; return true;
    case MR_FLAG_TO: flags->to = value; return true;
    case MR_FLAG_SUFFIX: flags->suffix = value; return true;
    case MR_FLAG_AS: flags->as = value; return true;
    case MR_FLAG_FLEET: flags->fleet = value; return true;
    case MR_FLAG_KAFKA: flags->kafka = value; return true;
    case MR_FLAG_FORMAT:
        flags->format = value;
        return strcmp(value, "text") == 0 || strcmp(value, "dot") == 0 ||
               strcmp(value, "json") == 0 ||
               refuse(command, "--format is text, dot or json", value);
    case MR_FLAG_OUTPUT:
        return store_output(flags, value) || refuse(command, "-o is table, json or ndjson", value);
    case MR_FLAG_STATS:
        return store_stats(flags, value) ||
               refuse(command, "--stats is ndjson, prometheus:FILE or off", value);
    case MR_FLAG_PROPERTY:
        return store_pair(flags->properties, &flags->properties_count, value, command);
    case MR_FLAG_MEMORY: return store_memory(flags, value, command);
    case MR_FLAG_SETTING:
        return store_pair(flags->settings, &flags->settings_count, value, command);
    default: return true;
    }
}

bool mr_flags_parse(mr_flags *flags, uint32_t allowed, const char *command, int argc, char **argv,
                    int first)
{
    *flags = (mr_flags){0};
    for (int i = first; i < argc; i++) {
        const char *text = argv[i];
        if (text[0] != '-' || strcmp(text, "-") == 0) {
            bool is_job = (allowed & MR_FLAG_JOB) != 0 && flags->job == NULL;
            if (is_job)
                flags->job = text;
            if (is_job)
                continue;
            if (flags->file != NULL)
                return refuse(command, "one at a time, and there is another", text);
            flags->file = text;
            continue;
        }
        const char *value;
        const mr_flag_spec *spec = spec_of(text, &value);
        if (spec == NULL || (allowed & (uint32_t)spec->flag) == 0)
            return refuse_unknown(allowed, command, text);
        if (spec->value != NULL && value == NULL) {
            if (i + 1 == argc)
                return refuse(command, "a value is missing behind", text);
            value = argv[++i];
        }
        if (!store(flags, spec, value, command))
            return false;
    }
    return true;
}
