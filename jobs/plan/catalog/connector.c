#include "jobs/plan/catalog/connector.h"

#include "jobs/sql/suggest.h"

#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof *(a))
#define SPECS(a)                       \
    {                                  \
        .items = a, .count = LENGTH(a) \
    }

static const mr_option_spec common[] = {
    {"connector", MR_SETTING_STRING, NULL, NULL, "what the table is connected to"},
    {"errors.mode", MR_SETTING_ENUM, NULL, "log|dlq|fail|ignore",
     "what becomes of records and rows that fail"},
    {"errors.deadletterqueue.topic.name", MR_SETTING_STRING, NULL, NULL, "topic of dead letters"},
    {"errors.deadletterqueue.context.headers.style", MR_SETTING_ENUM, "streams",
     "streams|connect|spring", "whose names the headers of dead letters have"},
    {"errors.budget", MR_SETTING_STRING, NULL, NULL, "stop when too many die: '1 % of 10000'"},
    {"error-handling.mode", MR_SETTING_ENUM, NULL, "log|dlq|fail|ignore",
     "the same as errors.mode; `log` with a target is `dlq`"},
    {"error-handling.log.target", MR_SETTING_STRING, NULL, NULL,
     "the same as errors.deadletterqueue.topic.name"},
};

static const mr_option_spec source[] = {
    {"scan.watermark.idle-timeout", MR_SETTING_DURATION, NULL, NULL,
     "when a silent input stops holding the watermark"},
    {"scan.watermark.max-future-skew", MR_SETTING_DURATION, NULL, NULL,
     "how far ahead of its record a row's time may be; 0: no limit"},
    {"scan.watermark.max-future-skew.action", MR_SETTING_ENUM, "admit", "admit|dlq",
     "what becomes of rows further ahead"},
    {"scan.watermark.alignment.max-drift", MR_SETTING_DURATION, NULL, NULL,
     "how far ahead of others an input may be read; 0: any"},
    {"scan.watermark.alignment.group", MR_SETTING_STRING, NULL, NULL,
     "tables of one group wait for one another"},
    {"scan.watermark.alignment.update-interval", MR_SETTING_IGNORED, NULL, NULL,
     "looked at before each fetch"},
    {"partitioned-by", MR_SETTING_STRING, NULL, NULL, "columns the topic is partitioned by: 'a;b'"},
    {"scan.parallelism", MR_SETTING_IGNORED, NULL, NULL, "tasks are the job's"},
};

static const mr_option_spec format[] = {
    {"format", MR_SETTING_STRING, NULL, NULL, "format of values"},
    {"value.format", MR_SETTING_STRING, NULL, NULL, "format of values"},
};

static const mr_option_spec kafka[] = {
    {"topic", MR_SETTING_STRING, NULL, NULL, "topic; for a source also 'a;b'"},
    {"topic-pattern", MR_SETTING_STRING, NULL, NULL, "not supported: name the topics"},
    {"properties.bootstrap.servers", MR_SETTING_STRING, NULL, NULL, "host:port, .."},
    {"properties.group.id", MR_SETTING_STRING, NULL, NULL,
     "whose offsets `group-offsets` starts from"},
    {"properties.*", MR_SETTING_STRING, NULL, NULL, "any librdkafka property"},
    {"key.format", MR_SETTING_STRING, NULL, NULL, "format of keys"},
    {"key.fields", MR_SETTING_STRING, NULL, NULL, "columns of the key: 'a;b'"},
    {"key.fields-prefix", MR_SETTING_STRING, NULL, NULL,
     "what the key columns' names begin with, cut off in the key"},
    {"value.fields-include", MR_SETTING_ENUM, "ALL", "ALL|EXCEPT_KEY",
     "whether the value holds the key columns too"},
    {"scan.startup.mode", MR_SETTING_ENUM, "group-offsets",
     "group-offsets|earliest-offset|latest-offset|timestamp|specific-offsets",
     "where reading starts when there is no state yet"},
    {"scan.startup.timestamp-millis", MR_SETTING_LONG, NULL, NULL, "for mode timestamp"},
    {"scan.startup.specific-offsets", MR_SETTING_STRING, NULL, NULL,
     "for mode specific-offsets: 'partition:0,offset:42;partition:1,offset:300'"},
    {"scan.bounded.mode", MR_SETTING_ENUM, "unbounded",
     "unbounded|latest-offset|group-offsets|timestamp|specific-offsets", "where reading ends"},
    {"scan.bounded.timestamp-millis", MR_SETTING_LONG, NULL, NULL, "for mode timestamp"},
    {"scan.bounded.specific-offsets", MR_SETTING_STRING, NULL, NULL, "for mode specific-offsets"},
    {"scan.topic-partition-discovery.interval", MR_SETTING_IGNORED, NULL, NULL, "not needed here"},
    {"sink.delivery-guarantee", MR_SETTING_ENUM, NULL, "exactly-once|at-least-once|none",
     "of the whole job"},
    {"sink.partitioner", MR_SETTING_ENUM, "default", "default|fixed|round-robin",
     "which partition a row goes to"},
    {"sink.transactional-id-prefix", MR_SETTING_IGNORED, NULL, NULL, "the job's name is used"},
    {"sink.parallelism", MR_SETTING_IGNORED, NULL, NULL, "tasks are the job's"},
};

static const mr_option_spec filesystem[] = {
    {"path", MR_SETTING_STRING, NULL, NULL, "file or folder"},
    {"source.monitor-interval", MR_SETTING_DURATION, NULL, NULL,
     "how often a folder is looked into for new files; without it, it ends with its last file"},
    {"source.path.regex-pattern", MR_SETTING_IGNORED, NULL, NULL, "all files of a folder are read"},
    {"sink.parallelism", MR_SETTING_IGNORED, NULL, NULL, "tasks are the job's"},
};

static const mr_option_spec print[] = {
    {"print-identifier", MR_SETTING_STRING, NULL, NULL, "put before each row"},
    {"standard-error", MR_SETTING_BOOL, "false", NULL, "print there"},
    {"sink.parallelism", MR_SETTING_IGNORED, NULL, NULL, "tasks are the job's"},
};

static const mr_option_spec datagen[] = {
    {"rows-per-second", MR_SETTING_INT, "10000", NULL, "rate"},
    {"number-of-rows", MR_SETTING_INT, NULL, NULL, "ends after so many"},
    {"fields.*.kind", MR_SETTING_ENUM, "random", "random|sequence", "how values come about"},
    {"fields.*.min", MR_SETTING_STRING, NULL, NULL, "smallest random value"},
    {"fields.*.max", MR_SETTING_STRING, NULL, NULL, "largest random value"},
    {"fields.*.max-past", MR_SETTING_DURATION, "0", NULL, "how far back a random time may be"},
    {"fields.*.length", MR_SETTING_INT, "100", NULL, "characters of a random string"},
    {"fields.*.start", MR_SETTING_LONG, NULL, NULL, "first of a sequence"},
    {"fields.*.end", MR_SETTING_LONG, NULL, NULL, "last of a sequence"},
};

static const mr_connector connectors[] = {
    {"kafka", MR_CONNECTOR_KAFKA, true, true, true, SPECS(kafka)},
    {"filesystem", MR_CONNECTOR_FILESYSTEM, true, true, true, SPECS(filesystem)},
    {"print", MR_CONNECTOR_PRINT, false, true, false, SPECS(print)},
    {"blackhole", MR_CONNECTOR_BLACKHOLE, false, true, false, {NULL, 0}},
    {"datagen", MR_CONNECTOR_DATAGEN, true, false, false, SPECS(datagen)},
};

const mr_connector *mr_connector_find(const char *name)
{
    for (size_t i = 0; i < LENGTH(connectors); i++)
        if (strcmp(connectors[i].name, name) == 0)
            return &connectors[i];
    return NULL;
}

const char *mr_connector_names(void)
{
    return "kafka, filesystem, print, blackhole, datagen";
}

const char *mr_connector_nearest(const char *name)
{
    const char *names[LENGTH(connectors)];
    for (size_t i = 0; i < LENGTH(connectors); i++)
        names[i] = connectors[i].name;
    return mr_suggest(name, names, LENGTH(connectors));
}

const char *mr_connector_refusal(const char *name)
{
    if (strcmp(name, "upsert-kafka") == 0)
        return "upsert tables are not supported yet: `kafka` reads and writes append-only topics";
    if (strcmp(name, "jdbc") == 0)
        return "there is no JDBC here: write to a topic and let a connector carry it on";
    if (strstr(name, "-cdc") != NULL)
        return "change capture is not supported: let it write to a topic";
    return NULL;
}

bool mr_connector_option_is_known(const char *key)
{
    const mr_option_specs shared[] = {SPECS(common), SPECS(source), SPECS(format)};
    if (mr_option_spec_of(shared, LENGTH(shared), key) != NULL)
        return true;
    for (size_t i = 0; i < LENGTH(connectors); i++)
        if (mr_option_spec_of(&connectors[i].specs, 1, key) != NULL)
            return true;
    return false;
}

mr_option_specs mr_connector_common_specs(void)
{
    return (mr_option_specs)SPECS(common);
}

mr_option_specs mr_connector_source_specs(void)
{
    return (mr_option_specs)SPECS(source);
}

mr_option_specs mr_connector_format_specs(void)
{
    return (mr_option_specs)SPECS(format);
}
