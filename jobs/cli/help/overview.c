#include "jobs/cli/command.h"

#include <stdio.h>
#include <string.h>

static const char example[] =
    "A job is a SQL file:\n"
    "\n"
    "  CREATE TABLE orders (\n"
    "    product STRING, amount INT, ts TIMESTAMP_LTZ(3),\n"
    "    WATERMARK FOR ts AS ts - INTERVAL '5' SECOND\n"
    "  ) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',\n"
    "    'properties.bootstrap.servers' = 'localhost:9092',\n"
    "    'scan.startup.mode' = 'earliest-offset');\n"
    "  CREATE TABLE per_minute (product STRING, began TIMESTAMP(3), n BIGINT) WITH (\n"
    "    'connector' = 'kafka', 'topic' = 'per-minute', 'format' = 'json',\n"
    "    'properties.bootstrap.servers' = 'localhost:9092');\n"
    "  INSERT INTO per_minute SELECT product, window_start, COUNT(*)\n"
    "    FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))\n"
    "    GROUP BY window_start, window_end, product;\n";

void mr_help_print(void)
{
    printf("millrace - stream processing over Kafka: event-time windows in SQL, exactly-once "
           "output\n\n");
    uint32_t count;
    const mr_command *commands = mr_commands(&count);
    const char *group = "";
    for (uint32_t i = 0; i < count; i++) {
        char left[40];
        mr_help_usage(&commands[i], left, sizeof left);
        printf("  %-7s %-20s %s\n", strcmp(group, commands[i].group) != 0 ? commands[i].group : "",
               left, commands[i].summary);
        group = commands[i].group;
    }
    printf("  %-7s %-20s %s\n  %-7s %-20s %s\n\n", "", "help COMMAND", "its manual page", "",
           "--version", "what this is");
    printf("%s\n", example);
    printf("  millrace check job.sql       what is wrong with it\n"
           "  millrace run job.sql         run it; again elsewhere: it takes over\n\n"
           "Exit    0 ok  1 failed  2 usage  3 invalid job  4 broker unreachable  "
           "5 state does not match the job\n"
           "Reads   MILLRACE_KEY as settings, NO_COLOR, TMPDIR, AWS_.. for checkpoints in s3://\n");
}
