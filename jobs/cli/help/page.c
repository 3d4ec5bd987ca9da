/* The manual page of one command. Its options are those that its parser takes, from the same
 * table. */
#include "jobs/cli/command.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 96
#define TEXT_COLUMN 28

static const struct {
    mr_surrounding of;
    const char *name, *text;
} variables[] = {
    {MR_READS_JOB, "MILLRACE_KEY",
     "a setting: MILLRACE_PARALLELISM__DEFAULT is 'parallelism.default' (`__` a dot, `_` a "
     "dash). A flag wins over it, and it over SET in the job's text"},
    {MR_READS_JOB, "NAME", "what ${NAME} in a job's text stands for; ${NAME:else} need not be set"},
    {MR_READS_JOB, "TZDIR", "folder of time zones (default /usr/share/zoneinfo)"},
    {MR_READS_BLOBS, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
     "credentials for checkpoints in s3://"},
    {MR_READS_BLOBS, "AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_CA_BUNDLE",
     "where the address does not say it"},
    {MR_READS_COLOUR, "NO_COLOR", "no colour on a terminal either"},
    {MR_WRITES_SCRATCH, "TMPDIR", "where a folder for the time of the command lies (default /tmp)"},
};

static const struct {
    mr_surrounding of;
    const char *name, *text;
} places[] = {
    {MR_KEEPS_JOB, "./millrace-state/JOB",
     "local state and the worker's identity, one process at a time; can be rebuilt from Kafka"},
    {MR_KEEPS_FLEET, "./millrace-state/fleet-NAME",
     "local state of all jobs and the worker's identity, one process at a time; can be rebuilt "
     "from Kafka"},
    {MR_USES_BOARD, "topic FLEET.jobs", "what is wished of each job, and what its workers say"},
    {MR_USES_STATE, "topic JOB.state", "the state log: a partition is a task"},
    {MR_USES_STATE, "topics JOB.control, JOB.exchange.N",
     "asks for checkpoints; rows between stages"},
    {MR_WRITES_SCRATCH, "$TMPDIR/millrace-*", "goes with the command"},
};

static const char *const exits[] = {
    "done",
    "it failed: the error is on stderr, `millrace explain-error CODE` says more",
    "not understood: an option, an argument or a value",
    "the job's text is wrong",
    "no broker answers",
    "state and job do not match"};

/* Words of `text` from column `at` on, in lines that begin at `column`. */
static void print_wrapped(const char *text, size_t at, size_t column)
{
    size_t used = at;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (used > column && used + 1 + length > COLUMNS) {
            printf("\n%*s", (int)column, "");
            used = column;
        } else if (used > column) {
            putchar(' ');
            used++;
        }
        printf("%.*s", (int)length, text);
        used += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* "  NAME      text"; a long name has a line of its own. */
static void print_item(const char *name, const char *text)
{
    int used = printf("  %s", name);
    if (used + 2 > TEXT_COLUMN)
        used = 0, putchar('\n');
    printf("%*s", TEXT_COLUMN - used, "");
    print_wrapped(text, TEXT_COLUMN, TEXT_COLUMN);
}

static void print_option(const mr_flag_spec *spec)
{
    char left[64];
    snprintf(left, sizeof left, "%s%s%s%s%s", spec->name, spec->also != NULL ? ", " : "",
             spec->also != NULL ? spec->also : "", spec->value != NULL ? " " : "",
             spec->value != NULL ? spec->value : "");
    print_item(left, spec->text);
}

static void print_options(const mr_command *command)
{
    puts("\nOptions");
    for (const mr_flag_spec *spec = command->own; spec != NULL && spec->name != NULL; spec++)
        print_option(spec);
    uint32_t count;
    const mr_flag_spec *specs = mr_flag_specs(&count);
    for (uint32_t i = 0; i < count; i++)
        if ((command->flags & (uint32_t)specs[i].flag) != 0)
            print_option(&specs[i]);
}

static void print_exits(const mr_command *command)
{
    uint32_t of_any = 1 << MR_EXIT_OK | 1 << MR_EXIT_FAILED | 1 << MR_EXIT_USAGE;
    puts("\nExit codes");
    for (int code = MR_EXIT_OK; code <= MR_EXIT_STATE; code++) {
        if (((command->exits | of_any) & (1U << code)) == 0)
            continue;
        bool has_more = code == MR_EXIT_FAILED && command->failed != NULL;
        printf("  %d  %s%s", code, exits[code], has_more ? ";\n     " : "\n");
        if (has_more)
            print_wrapped(command->failed, 5, 5);
    }
}

static void print_surroundings(const mr_command *command)
{
    bool is_any = false;
    puts("\nEnvironment");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if ((command->surroundings & (uint32_t)variables[i].of) != 0) {
            print_item(variables[i].name, variables[i].text);
            is_any = true;
        }
    puts(is_any ? "\nFiles and topics" : "  none is looked at\n\nFiles and topics");
    is_any = false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if ((command->surroundings & (uint32_t)places[i].of) != 0) {
            print_item(places[i].name, places[i].text);
            is_any = true;
        }
    if (!is_any)
        puts("  none but those that are named on the command line");
}

void mr_help_usage(const mr_command *command, char *to, size_t size)
{
    const char *verb = command->verb, *argument = command->argument;
    snprintf(to, size, "%s%s%s%s%s%s", command->name, verb != NULL ? " [" : "",
             verb != NULL ? verb : "", verb != NULL ? "]" : "", argument != NULL ? " " : "",
             argument != NULL ? argument : "");
}

void mr_help_print_command(const mr_command *command)
{
    char usage[64];
    mr_help_usage(command, usage, sizeof usage);
    printf("millrace %s - %s\n\n", usage, command->summary);
    print_wrapped(command->details, 0, 0);
    printf("\nUsage\n  millrace %s [OPTION..]\n\nArguments\n%s", usage,
           command->arguments != NULL ? command->arguments : "  none\n");
    print_options(command);
    print_exits(command);
    print_surroundings(command);
    printf("\nExamples\n%s\n\nSee also\n  ", command->examples);
    print_wrapped(command->see, 2, 2);
}
