#include "jobs/cli/command.h"

#include "jobs/demo/demo.h"

#include <string.h>

#define FLAGS_OF_FLEETS                                                                   \
    (MR_FLAG_FLEET | MR_FLAG_KAFKA | MR_FLAG_PROPERTY | MR_FLAG_QUIET | MR_FLAG_VERBOSE | \
     MR_FLAG_HELP)
#define FLAGS_OF_JOBS (MR_FLAG_SETTING | MR_FLAG_PROPERTY | MR_FLAG_NAME | MR_FLAG_HELP)

#define EXITS_OF_FLEETS (1 << MR_EXIT_BROKER)
#define EXITS_OF_NAMED (1 << MR_EXIT_JOB | 1 << MR_EXIT_BROKER)
#define EXITS_OF_STATE (1 << MR_EXIT_JOB | 1 << MR_EXIT_BROKER | 1 << MR_EXIT_STATE)

#define ARGUMENT_FILE "  FILE  the job's text, SQL; `-`: standard input\n"
#define ARGUMENT_JOB "  JOB   a job of the fleet, as `millrace list` prints it\n"
#define ARGUMENT_EITHER \
    ARGUMENT_FILE       \
    "  JOB   with --fleet or --kafka: a job of that fleet, with its text and settings\n"
#define FLEET " --fleet prod --kafka broker:9092"

static const mr_flag_spec options_of_demo[] = {
    {0, "--days", "N", "days to play, 1 to 31 (default 3)", NULL},
    {0, "--speed", "N", "hours of 2013 a second; 0: as fast as it goes (default 10)", NULL},
    {0, "--kafka", "HOST:PORT", "a real cluster (default: one embedded in this process)", NULL},
    {0, "--keep", NULL, "leave its topics there", NULL},
    {0, "-X", "NAME=VALUE", "any librdkafka setting for the cluster, as often as needed", NULL},
    {0, "--sql", NULL, "print the job and exit: a first job to change and run", NULL},
    {0, "--help", NULL, "this text", "-h"},
    {0, NULL, NULL, NULL, NULL}};

static const mr_flag_spec options_of_checkpoints[] = {
    {0, "--all", "JOB", "behind `delete ADDRESS`: all that there is of a job that was given up",
     NULL},
    {0, "--help", NULL, "this text", "-h"},
    {0, NULL, NULL, NULL, NULL}};

static const mr_command commands[] = {
    {.name = "demo",
     .group = "Try",
     .summary = "built-in job over real flights; needs no Kafka",
     .details = "Plays January 2013 at New York's airports, flights in the order in which they "
                "left; their event time is when they should have left. The job counts them by "
                "airport and hour; flights that come after their hour has closed go to a late "
                "topic, cancelled ones to a dead-letter topic, and at the end all must add up.",
     .examples =
         "  millrace demo                    on an embedded Kafka\n"
         "  millrace demo --kafka HOST:PORT  on a real one: topics of its own, deleted at the end\n"
         "  millrace demo --sql              the job itself",
     .failed = "what was read and what was written do not add up",
     .see = "millrace run, millrace explain; README.md",
     .exits = 1 << MR_EXIT_BROKER,
     .surroundings = MR_READS_COLOUR,
     .own = options_of_demo,
     .run_raw = mr_command_demo},
    {.name = "check",
     .group = "Write",
     .argument = "FILE",
     .summary = "all errors of a job; needs no cluster",
     .details = "Reads the job, names everything that is wrong with line, column and a hint, and "
                "exits with 3 when there is anything. FILE `-` is standard input.",
     .arguments = ARGUMENT_FILE,
     .examples = "  millrace check job.sql\n"
                 "  generate-job | millrace check -    what another program wrote",
     .see = "millrace explain, millrace explain-error; docs/sql.md",
     .exits = 1 << MR_EXIT_JOB,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR,
     .flags = FLAGS_OF_JOBS | MR_FLAG_QUIET | MR_FLAG_VERBOSE,
     .run = mr_command_check},
    {.name = "explain",
     .group = "Write",
     .argument = "FILE|JOB",
     .summary = "plan, state and what bounds it, watermarks",
     .details = "Shows what `run` would do: sources with their watermarks, operators with keys and "
                "state, where rows can be late or die, and what each sink guarantees.",
     .arguments = ARGUMENT_EITHER,
     .examples = "  millrace explain job.sql\n"
                 "  millrace explain job.sql --format dot | dot -Tsvg > job.svg\n"
                 "  millrace explain orders" FLEET "   as it was submitted\n"
                 "  millrace explain job.sql --format json | jq .",
     .see = "millrace check, millrace diff; docs/sql.md, docs/architecture.md",
     .exits = EXITS_OF_NAMED,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR | MR_USES_BOARD,
     .flags = FLAGS_OF_JOBS | MR_FLAG_FORMAT | MR_FLAG_BOUNDED | FLAGS_OF_FLEETS,
     .run = mr_command_explain},
    {.name = "run",
     .group = "Run",
     .argument = "FILE",
     .summary = "here, until SIGTERM or the end of bounded inputs",
     .details = "Joins the job's consumer group, restores its state, and goes on where the last "
                "commit was. SIGTERM and SIGINT commit and leave. FILE `-` is standard input.",
     .arguments = ARGUMENT_FILE,
     .examples =
         "  millrace run job.sql                              a job of your own\n"
         "  millrace run job.sql --bounded                    up to the present end, then stop\n"
         "  millrace run job.sql -X security.protocol=SSL     any librdkafka property\n"
         "  millrace run job.sql --memory 256M                state beyond it lies in RocksDB\n"
         "  millrace run job.sql -D execution.checkpointing.interval='100 ms'",
     .see = "millrace worker, millrace explain, millrace config; docs/sql.md, docs/metrics.md, "
            "docs/reliability.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_READS_COLOUR | MR_KEEPS_JOB | MR_USES_STATE,
     .flags = FLAGS_OF_JOBS | MR_FLAG_STATE_DIR | MR_FLAG_INSTANCE | MR_FLAG_MEMORY |
              MR_FLAG_BOUNDED | MR_FLAG_RESET | MR_FLAG_CREATE_TOPICS | MR_FLAG_STATS |
              MR_FLAG_QUIET | MR_FLAG_VERBOSE,
     .run = mr_command_run},
    {.name = "worker",
     .group = "Run",
     .summary = "member of a fleet: runs what it is given",
     .details =
         "Joins the fleet and runs each of its jobs on a thread of its own, until SIGTERM, "
         "which commits and leaves. Many workers share the tasks of each job. ${VAR} in jobs "
         "and -X properties are this worker's own.",
     .examples = "  millrace worker" FLEET " --state-dir /var/lib/millrace\n"
                 "  millrace worker" FLEET " --stats prometheus:/run/millrace.prom\n"
                 "  millrace worker" FLEET " --memory 4G   (of all its jobs)",
     .see = "millrace submit, millrace status, millrace run; docs/fleet.md, docs/metrics.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_KEEPS_FLEET | MR_USES_BOARD | MR_USES_STATE,
     .flags =
         FLAGS_OF_FLEETS | MR_FLAG_STATE_DIR | MR_FLAG_INSTANCE | MR_FLAG_MEMORY | MR_FLAG_STATS,
     .run = mr_command_worker},
    {.name = "submit",
     .group = "Run",
     .argument = "FILE",
     .summary = "a job to a running fleet",
     .details = "Checks the job as `check` does; one that is wrong reaches no worker. A job that "
                "was stopped goes on where it was. Without --kafka the fleet is looked for in the "
                "job's cluster. A name that workers outside this fleet have is refused.",
     .arguments = ARGUMENT_FILE,
     .examples = "  millrace submit orders.sql --name orders --fleet prod\n"
                 "  millrace status orders" FLEET,
     .failed = "also when a worker refused the job, or failed with it",
     .see = "millrace check, millrace status, millrace upgrade, millrace stop; docs/fleet.md",
     .exits = EXITS_OF_NAMED,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR | MR_USES_BOARD,
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_CREATE_TOPICS | MR_FLAG_TAKE_OVER,
     .run = mr_command_submit},
    {.name = "list",
     .group = "Run",
     .summary = "jobs of a fleet",
     .details =
         "What is wished of each job, and what its workers have come to. docs/formats.md says what "
         "-o json holds.",
     .examples = "  millrace list" FLEET "\n"
                 "  millrace list" FLEET " -o json | jq -r '.jobs[].job'",
     .see = "millrace status, millrace submit; docs/fleet.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_USES_BOARD,
     .flags = FLAGS_OF_FLEETS | MR_FLAG_OUTPUT,
     .run = mr_command_list},
    {.name = "status",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: each worker's word on it",
     .details = "Tasks, rows and errors by worker, and why its last checkpoint did not come about. "
                "`silent`: it has told nothing for 20 s. docs/formats.md says what -o json holds.",
     .arguments = ARGUMENT_JOB,
     .examples = "  millrace status orders" FLEET "\n"
                 "  millrace status orders" FLEET " -o json | jq '.workers[].lag_records'",
     .see = "millrace list, millrace explain-error; docs/fleet.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_USES_BOARD,
     .flags = FLAGS_OF_FLEETS | MR_FLAG_OUTPUT,
     .run = mr_command_status},
    {.name = "stop",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: all workers commit and let go of it",
     .details = "State and offsets are kept: `submit` goes on with it. Waits for the workers.",
     .arguments = ARGUMENT_JOB,
     .examples = "  millrace stop orders" FLEET,
     .failed = "also when workers still have it after 30 s: the same command waits again",
     .see = "millrace drain, millrace submit, millrace rewind; docs/fleet.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_USES_BOARD,
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_stop},
    {.name = "drain",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: reads to the present ends, closes all windows, finishes",
     .details =
         "Inputs end where they end when a worker hears of it, as under `run --bounded`. "
         "Then watermarks rise to their end: every window fires, also those that more rows "
         "would have gone to. All is committed, and the workers let go of the job. It does "
         "not go on afterwards: what comes is for another job. To halt one that is to go on, "
         "`stop` it.",
     .arguments = ARGUMENT_JOB,
     .examples = "  millrace drain orders" FLEET,
     .failed = "also when workers still have it after 30 s: the same command waits again",
     .see = "millrace stop, millrace delete; docs/fleet.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_USES_BOARD,
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_drain},
    {.name = "delete",
     .group = "Run",
     .argument = "JOB",
     .summary = "of a fleet: stops it and forgets its state",
     .details = "Removes its local stores, its group and its state topic. What it wrote stays.",
     .arguments = ARGUMENT_JOB,
     .examples = "  millrace delete orders" FLEET,
     .failed = "also when workers still have it after 30 s: the same command waits again",
     .see = "millrace stop, millrace checkpoints; docs/fleet.md",
     .exits = EXITS_OF_FLEETS,
     .surroundings = MR_READS_JOB | MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_FLEETS,
     .run = mr_command_delete},
    {.name = "diff",
     .group = "Run",
     .argument = "JOB FILE",
     .summary = "of a fleet: what another text would cost its state",
     .details = "Says of each table how far it is read, and of each operator with state whether it "
                "is kept, new, rebuilt or dropped, and why. Operators are known by what they "
                "compute, not by name or place. Exits with 0 when all is kept and nothing is new, "
                "else with 1. Nothing is changed.",
     .arguments = ARGUMENT_JOB ARGUMENT_FILE,
     .examples = "  millrace diff orders changed.sql" FLEET,
     .failed = "also when something is new, rebuilt or dropped",
     .see = "millrace upgrade, millrace explain; docs/fleet.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR | MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_FLEETS | MR_FLAG_JOB | MR_FLAG_SETTING,
     .run = mr_command_diff},
    {.name = "upgrade",
     .group = "Run",
     .argument = "JOB FILE",
     .summary = "of a fleet: another text takes over its state",
     .details =
         "Stops the job's workers, carries the state of all operators that are kept over "
         "into the new plan, in one transaction, and runs the new text. Inputs go on where "
         "they were: no row is lost or comes twice. Text that would lose state is refused, "
         "with what would be lost. If it is broken off (Ctrl-C), the job stays stopped: the same "
         "command goes on, or `submit` of the old text, as long as nothing was carried over. A job "
         "that was stopped runs afterwards.",
     .arguments = ARGUMENT_JOB ARGUMENT_FILE,
     .examples = "  millrace diff orders changed.sql" FLEET "\n"
                 "  millrace upgrade orders changed.sql" FLEET,
     .failed = "also when a worker refused the new text, or failed with it",
     .see = "millrace diff, millrace submit; docs/fleet.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR | MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_FLEETS | MR_FLAG_JOB | MR_FLAG_SETTING | MR_FLAG_STATE_LOSS |
              MR_FLAG_CREATE_TOPICS,
     .run = mr_command_upgrade},
    {.name = "checkpoints",
     .group = "State",
     .argument = "list|show|verify|delete",
     .summary = "in a blob store",
     .details =
         "Needs no job and no cluster. ADDRESS is what `execution.checkpointing.dir` says; "
         "credentials come from AWS's variables. `verify` reads all files and compares their "
         "digests; `delete` takes any but the newest of a task.",
     .arguments =
         "  list ADDRESS           all checkpoints: name, kept or retired, time, files, bytes\n"
         "  show ADDRESS NAME      what one holds\n"
         "  verify ADDRESS NAME    reads all its files and compares their digests\n"
         "  delete ADDRESS NAME    any but the newest of a task\n"
         "  ADDRESS                what `execution.checkpointing.dir` says: file:///.., s3://..\n"
         "  NAME                   as `list` prints it\n",
     .examples =
         "  millrace checkpoints list s3://bucket/prefix\n"
         "  millrace checkpoints show file:///backups NAME     NAME as `list` prints it\n"
         "  millrace checkpoints verify file:///backups NAME\n"
         "  millrace checkpoints delete file:///backups NAME\n"
         "  millrace checkpoints delete file:///backups --all JOB   of a job that was given up",
     .failed = "also when a checkpoint is damaged or missing",
     .see = "millrace checkpoint, millrace replay, millrace fork; docs/checkpoints.md",
     .surroundings = MR_READS_BLOBS,
     .own = options_of_checkpoints,
     .run_raw = mr_command_checkpoints},
    {.name = "checkpoint",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "of every task, now; waits until it counts",
     .details = "Asks the workers of the job through its topic `JOB.control`, waits until an epoch "
                "record names each checkpoint, and prints their names. They hold all that was "
                "committed when it was asked for. The job runs on meanwhile.",
     .arguments = ARGUMENT_EITHER,
     .examples = "  millrace checkpoint job.sql && deploy\n"
                 "  millrace checkpoint orders" FLEET,
     .see = "millrace checkpoints, millrace status; docs/checkpoints.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_READS_COLOUR | MR_WRITES_SCRATCH |
                     MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS,
     .run = mr_command_checkpoint},
    {.name = "replay",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a job's past again, beside it; --compare: is it the same?",
     .details = "Restores each task where POINT says, from a checkpoint or the state log, and does "
                "its epochs again in the batches of their journals, into topics of its own. The "
                "live job and its topics are not touched. Without --from: as far back as it can be "
                "restored. A POINT is `beginning`, an epoch (17), a time in UTC (2026-11-21 "
                "14:00:00, or with +01:00 behind it), offsets (topic:partition:offset,..), or a "
                "checkpoint as `millrace checkpoints list` prints it.",
     .arguments = ARGUMENT_EITHER,
     .examples =
         "  millrace replay job.sql --compare                      all there is of it\n"
         "  millrace replay job.sql --from '2026-11-21 14:00:00' --to '2026-11-21 15:00:00'\n"
         "  millrace replay changed.sql --name job --compare       what a change would have done\n"
         "  millrace replay orders" FLEET,
     .failed = "also when --compare found a difference",
     .see = "millrace rewind, millrace fork, millrace checkpoints; docs/checkpoints.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_READS_COLOUR | MR_WRITES_SCRATCH |
                     MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_FROM | MR_FLAG_TO | MR_FLAG_SUFFIX |
              MR_FLAG_COMPARE,
     .run = mr_command_replay},
    {.name = "rewind",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a stopped job goes back to an earlier moment",
     .details = "Says what will be read and written again, asks, and writes the state as of POINT "
                "behind the job's last epoch. What was written since then stays where it is. A job "
                "with live workers is refused. POINT as under `replay`.",
     .arguments = ARGUMENT_EITHER,
     .examples = "  millrace rewind job.sql --to 812\n"
                 "  millrace rewind job.sql --to '2026-11-21 14:00:00' --yes\n"
                 "  millrace rewind orders --to 812" FLEET,
     .failed = "also when it was not wanted, after being asked",
     .see = "millrace replay, millrace fork, millrace stop; docs/checkpoints.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_READS_COLOUR | MR_WRITES_SCRATCH |
                     MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_TO | MR_FLAG_YES,
     .run = mr_command_rewind},
    {.name = "fork",
     .group = "State",
     .argument = "FILE|JOB",
     .summary = "a new job begins where this one was",
     .details = "Makes the state topic of a new job, with the state as of POINT in it. From a "
                "checkpoint nothing else of the old job is needed, its log least of all. Both may "
                "run then; they write to the same topics unless the new one's text says otherwise.",
     .arguments = ARGUMENT_EITHER,
     .examples = "  millrace fork job.sql --as trial                  as of its last epoch\n"
                 "  millrace fork job.sql --as trial --from NAME      as of a checkpoint",
     .see = "millrace checkpoints, millrace rewind, millrace submit; docs/checkpoints.md",
     .exits = EXITS_OF_STATE,
     .surroundings = MR_READS_JOB | MR_READS_BLOBS | MR_READS_COLOUR | MR_WRITES_SCRATCH |
                     MR_USES_BOARD | MR_USES_STATE,
     .flags = FLAGS_OF_JOBS | FLAGS_OF_FLEETS | MR_FLAG_FROM | MR_FLAG_AS,
     .run = mr_command_fork},
    {.name = "config",
     .group = "Help",
     .verb = "dump",
     .argument = "[FILE]",
     .summary = "all settings; dump: what holds, and who said so",
     .details =
         "Without `dump`: every setting with its default and meaning. With it: the value "
         "each one has for a job run from here, and whether the flag, the environment or the "
         "script gave it; secrets are masked. Without FILE: for no job in particular.",
     .arguments = "  dump  what holds, instead of what there is\n" ARGUMENT_FILE,
     .examples = "  millrace config\n"
                 "  MILLRACE_EXECUTION__GUARANTEE=at-least-once millrace config dump job.sql",
     .see = "millrace run; docs/sql.md",
     .exits = 1 << MR_EXIT_JOB,
     .surroundings = MR_READS_JOB | MR_READS_COLOUR,
     .flags = FLAGS_OF_JOBS,
     .run = mr_command_config},
    {.name = "explain-error",
     .group = "Help",
     .argument = "[CODE]",
     .summary = "what an error means and how to mend it",
     .details = "Prints what the code means, why it comes, how to mend it, and an example; without "
                "a CODE a list of all.",
     .arguments = "  CODE  as MR1104, mr1104 or 1104; none: all of them\n",
     .examples = "  millrace explain-error MR1104\n"
                 "  millrace explain-error | grep -i watermark",
     .see = "millrace check, millrace --help",
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
