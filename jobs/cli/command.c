#include "jobs/cli/command.h"

#include "jobs/demo/demo.h"
#include "jobs/sql/suggest.h"

#include <stdio.h>
#include <string.h>

#define FLAGS_OF_FLEETS                                                                   \
    (MR_FLAG_FLEET | MR_FLAG_KAFKA | MR_FLAG_PROPERTY | MR_FLAG_QUIET | MR_FLAG_VERBOSE | \
     MR_FLAG_HELP)
#define FLAGS_OF_JOBS (MR_FLAG_SETTING | MR_FLAG_PROPERTY | MR_FLAG_NAME | MR_FLAG_HELP)

static const mr_command commands[] = {
    {.name = "demo",
     .group = "Try",
     .summary = "built-in job over real flights; needs no Kafka",
     .details =
         "Plays January 2013 at New York's airports and shows windows as they close, late "
         "flights,\ndead letters and that no row is lost. `millrace demo --help` has more.\n\n"
         "  millrace demo                    on an embedded Kafka\n"
         "  millrace demo --kafka HOST:PORT  on a real one\n"
         "  millrace demo --sql              the job itself",
     .run_raw = mr_command_demo},
    {.name = "check",
     .group = "Write",
     .argument = "FILE",
     .summary = "all errors of a job; needs no cluster",
     .details = "Reads the job, names everything that is wrong with line, column and a hint, and "
                "exits\nwith 3 when there is anything. FILE `-` is standard input.\n\n"
                "  millrace check job.sql\n"
                "  generate-job | millrace check -    what another program wrote",
     .flags = FLAGS_OF_JOBS | MR_FLAG_QUIET | MR_FLAG_VERBOSE,
     .run = mr_command_check},
    {.name = "explain",
     .group = "Write",
     .argument = "FILE|JOB",
     .summary = "plan, state and what bounds it, watermarks",
     .details = "Shows what `run` would do: sources with their watermarks, operators with keys and "
                "state,\nwhere rows can be late or die, and what each sink guarantees.\n"
                "  millrace explain job.sql\n"
                "  millrace explain job.sql --format dot | dot -Tsvg > job.svg\n"
                "  millrace explain orders --fleet prod --kafka broker:9092   as it was submitted",
     .flags = FLAGS_OF_JOBS | MR_FLAG_FORMAT | MR_FLAG_BOUNDED | FLAGS_OF_FLEETS,
     .run = mr_command_explain},
    {.name = "run",
     .group = "Run",
     .argument = "FILE",
     .summary = "here, until SIGTERM or the end of bounded inputs",
     .details =
         "Joins the job's consumer group, restores its state, and goes on where the last commit "
         "was.\nSIGTERM and SIGINT commit and leave. FILE `-` is standard input.\n\n"
         "  millrace run job.sql                              a job of your own\n"
         "  millrace run job.sql --bounded                    up to the present end, then stop\n"
         "  millrace run job.sql -X security.protocol=SSL     any librdkafka property\n"
         "  millrace run job.sql --memory 256M                state beyond it lies in RocksDB\n"
         "  millrace run job.sql -D execution.checkpointing.interval='100 ms'",
     .flags = FLAGS_OF_JOBS | MR_FLAG_STATE_DIR | MR_FLAG_MEMORY | MR_FLAG_BOUNDED | MR_FLAG_RESET |
              MR_FLAG_CREATE_TOPICS | MR_FLAG_STATS | MR_FLAG_QUIET | MR_FLAG_VERBOSE,
     .run = mr_command_run},
    {.name = "worker",
     .group = "Run",
     .summary = "member of a fleet: runs what it is given",
     .details =
         "Joins the fleet and runs each of its jobs on a thread of its own, until SIGTERM, which "
         "commits\nand leaves. Many workers share the tasks of each job. ${VAR} in jobs and -X "
         "properties are this\nworker's own.\n\n"
         "  millrace worker --fleet prod --kafka broker:9092 --state-dir /var/lib/millrace\n"
         "  millrace worker --fleet prod --kafka broker:9092 --stats "
         "prometheus:/run/millrace.prom\n"
         "  millrace worker --fleet prod --kafka broker:9092 --memory 4G   (of all its jobs)",
     .flags = FLAGS_OF_FLEETS | MR_FLAG_STATE_DIR | MR_FLAG_MEMORY | MR_FLAG_STATS,
     .run = mr_command_worker},
    {.name = "submit",
     .group = "Run",
     .argument = "FILE",
     .summary = "a job to a running fleet",
     .details =
         "Checks the job as `check` does; one that is wrong reaches no worker. A job that was "
         "stopped goes\non where it was. Without --kafka the fleet is looked for in the job's "
         "cluster.\n\n"
         "  millrace submit orders.sql --name orders --fleet prod\n"
         "  millrace status orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_CREATE_TOPICS,
     .run = mr_command_submit},
    {.name = "list",
     .group = "Run",
     .summary = "jobs of a fleet",
     .details = "What is wished of each job, and what its workers have come to.\n\n"
                "  millrace list --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_list},
    {.name = "status",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: each worker's word on it",
     .details = "Tasks, rows and errors by worker. `silent`: it has told nothing for 20 s.\n\n"
                "  millrace status orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_status},
    {.name = "stop",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: all workers commit and let go of it",
     .details = "State and offsets are kept: `submit` goes on with it. Waits for the workers.\n\n"
                "  millrace stop orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_stop},
    {.name = "drain",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: reads to the present ends, closes all windows, finishes",
     .details =
         "Inputs end where they end when a worker hears of it, as under `run --bounded`. Then "
         "watermarks\nrise to their end: every window fires, also those that more rows would have "
         "gone to. All is\ncommitted, and the workers let go of the job. It does not go on "
         "afterwards: what comes is for\nanother job. To halt one that is to go on, `stop` it.\n\n"
         "  millrace drain orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_drain},
    {.name = "delete",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: stops it and forgets its state",
     .details = "Removes its local stores, its group and its state topic. What it wrote stays.\n\n"
                "  millrace delete orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_delete},
    {.name = "diff",
     .group = "Run",
     .argument = "JOB FILE",
     .summary = "of a fleet: what another text would cost its state",
     .details =
         "Says of each table how far it is read, and of each operator with state whether it is "
         "kept, new,\nrebuilt or dropped, and why. Operators are known by what they compute, not "
         "by name or place.\nExits with 0 when all is kept and nothing is new, else with 1. "
         "Nothing is changed.\n\n"
         "  millrace diff orders changed.sql --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS | MR_FLAG_JOB | MR_FLAG_SETTING,
     .run = mr_command_diff},
    {.name = "upgrade",
     .group = "Run",
     .argument = "JOB FILE",
     .summary = "of a fleet: another text takes over its state",
     .details =
         "Stops the job's workers, carries the state of all operators that are kept over into "
         "the new plan,\nin one transaction, and runs the new text. Inputs go on where they were: "
         "no row is lost or comes\ntwice. Text that would lose state is refused, with what would "
         "be lost. If it is broken off, the\nsame command goes on; a job that was stopped runs "
         "afterwards.\n\n"
         "  millrace diff orders changed.sql --fleet prod --kafka broker:9092\n"
         "  millrace upgrade orders changed.sql --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_FLEETS | MR_FLAG_JOB | MR_FLAG_SETTING | MR_FLAG_STATE_LOSS |
              MR_FLAG_CREATE_TOPICS,
     .run = mr_command_upgrade},
    {.name = "checkpoints",
     .group = "State",
     .argument = "list|show|verify|delete",
     .summary = "in a blob store",
     .details =
         "Needs no job and no cluster. ADDRESS is what `execution.checkpointing.dir` says; "
         "credentials\ncome from AWS's variables. `verify` reads all files and compares their "
         "digests; `delete` takes\nany but the newest of a task.\n\n"
         "  millrace checkpoints list s3://bucket/prefix\n"
         "  millrace checkpoints show file:///backups NAME     NAME as `list` prints it\n"
         "  millrace checkpoints verify file:///backups NAME\n"
         "  millrace checkpoints delete file:///backups NAME\n"
         "  millrace checkpoints delete file:///backups --all JOB   of a job that was given up",
     .run_raw = mr_command_checkpoints},
    {.name = "checkpoint",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "of every task, now; waits until it counts",
     .details = "Asks the workers of the job through its topic `JOB.control`, waits until an epoch "
                "record\nnames each checkpoint, and prints their names. They hold all that was "
                "committed when it was\nasked for. The job runs on meanwhile.\n\n"
                "  millrace checkpoint job.sql && deploy\n"
                "  millrace checkpoint orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS,
     .run = mr_command_checkpoint},
    {.name = "replay",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a job's past again, beside it; --compare: is it the same?",
     .details =
         "Restores each task where POINT says, from a checkpoint or the state log, and does its "
         "epochs again\nin the batches of their journals, into topics of its own. The live job and "
         "its topics are not\ntouched. Without --from: as far back as it can be restored.\n"
         "A POINT is `beginning`, an epoch (17), a time in UTC (2026-11-21 14:00:00, or with\n"
         "+01:00 behind it), offsets (topic:partition:offset,..), or a checkpoint as `millrace "
         "checkpoints\nlist` prints it.\n\n"
         "  millrace replay job.sql --compare                      all there is of it\n"
         "  millrace replay job.sql --from '2026-11-21 14:00:00' --to '2026-11-21 15:00:00'\n"
         "  millrace replay changed.sql --name job --compare       what a change would have done\n"
         "  millrace replay orders --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_FROM | MR_FLAG_TO | MR_FLAG_SUFFIX |
              MR_FLAG_COMPARE,
     .run = mr_command_replay},
    {.name = "rewind",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a stopped job goes back to an earlier moment",
     .details =
         "Says what will be read and written again, asks, and writes the state as of POINT "
         "behind the\njob's last epoch. What was written since then stays where it is. A job "
         "with live workers\nis refused. POINT as under `replay`.\n\n"
         "  millrace rewind job.sql --to 812\n"
         "  millrace rewind job.sql --to '2026-11-21 14:00:00' --yes\n"
         "  millrace rewind orders --to 812 --fleet prod --kafka broker:9092",
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_TO | MR_FLAG_YES,
     .run = mr_command_rewind},
    {.name = "fork",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a new job begins where this one was",
     .details =
         "Makes the state topic of a new job, with the state as of POINT in it. From a "
         "checkpoint nothing\nelse of the old job is needed, its log least of all. Both may "
         "run then; they write to the same\ntopics unless the new one's text says "
         "otherwise.\n\n"
         "  millrace fork job.sql --as trial                  as of its last epoch\n"
         "  millrace fork job.sql --as trial --from NAME      as `millrace checkpoints list` "
         "prints it",
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_FROM | MR_FLAG_AS,
     .run = mr_command_fork},
    {.name = "config",
     .group = "Help",
     .verb = "dump",
     .argument = "[FILE]",
     .summary = "all settings; dump: what holds, and who said so",
     .details = "Without `dump`: every setting with its default and meaning. With it: the value "
                "each one\nhas for a job run from here, and whether the flag, the environment or "
                "the script gave\nit; secrets are masked. Without FILE: for no job in "
                "particular.\n\n"
                "  millrace config\n"
                "  MILLRACE_EXECUTION__GUARANTEE=at-least-once millrace config dump job.sql",
     .flags = FLAGS_OF_JOBS,
     .run = mr_command_config},
    {.name = "explain-error",
     .group = "Help",
     .argument = "[CODE]",
     .summary = "what an error means and how to mend it",
     .details = "Prints what the code means, why it comes, how to mend it, and an example; "
                "without a CODE\na list of all.\n\n"
                "  millrace explain-error MR1104\n"
                "  millrace explain-error | grep -i watermark",
     .flags = MR_FLAG_HELP,
     .run = mr_command_explain_error},
};

const mr_command *mr_commands(uint32_t *count)
{
    *count = sizeof commands / sizeof *commands;
    return commands;
}

const mr_command *mr_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[sizeof commands / sizeof *commands];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        names[i] = commands[i].name;
    const char *nearest = mr_suggest(name, names, sizeof names / sizeof *names);
    fprintf(stderr, "millrace: unknown command `%s`", name);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean `%s`?", nearest);
    fprintf(stderr, "\nTry: millrace --help\n");
    return MR_EXIT_USAGE;
}

static int run_command(const mr_command *command, int argc, char **argv)
{
    if (command->run_raw != NULL)
        return (int)command->run_raw(argc - 1, argv + 1);
    mr_flags flags;
    bool has_verb = command->verb != NULL && argc > 2 && strcmp(argv[2], command->verb) == 0;
    if (!mr_flags_parse(&flags, command->flags, command->name, argc, argv, has_verb ? 3 : 2))
        return MR_EXIT_USAGE;
    flags.has_verb = has_verb;
    if (mr_flags_has(&flags, MR_FLAG_HELP)) {
        mr_help_print_command(command);
        return MR_EXIT_OK;
    }
    if (command->argument != NULL && command->argument[0] != '[' && flags.file == NULL) {
        fprintf(stderr, "millrace %s: %s is missing\nTry: millrace %s --help\n", command->name,
                command->argument, command->name);
        return MR_EXIT_USAGE;
    }
    return (int)command->run(&flags);
}

int mr_cli_main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        printf("millrace " MR_VERSION "\n");
        return MR_EXIT_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        const mr_command *command = argc > 2 ? mr_command_find(argv[2]) : NULL;
        if (argc > 2 && command == NULL)
            return unknown(argv[2]);
        if (command != NULL)
            mr_help_print_command(command);
        else
            mr_help_print();
        return argc > 1 ? MR_EXIT_OK : MR_EXIT_USAGE;
    }
    const mr_command *command = mr_command_find(name);
    return command != NULL ? run_command(command, argc, argv) : unknown(name);
}
