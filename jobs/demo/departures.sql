-- Departures from New York's airports: how many leave each hour, and how late they are.
--
-- Every record is one flight, told when it leaves the gate. Its event time is when it should have
-- left, so a delayed flight is a row that comes late by itself, and nobody had to make it up.
--
--   millrace demo                                  plays it, no Kafka needed
--   millrace run departures.sql --create-topics    runs it on a Kafka of one's own
--
-- DEMO_KAFKA is the cluster, DEMO_PREFIX what the names of the topics begin with.

SET 'execution.checkpointing.interval' = '500 ms';

CREATE TABLE departures (
    carrier   STRING,
    flight    INT,
    tailnum   STRING,
    origin    STRING,
    dest      STRING,
    sched_dep TIMESTAMP(3),  -- when it should have left
    dep       TIMESTAMP(3),  -- when it left; NULL: it was cancelled
    dep_delay INT,           -- minutes; negative: it left early
    WATERMARK FOR sched_dep AS sched_dep - INTERVAL '30' MINUTE,
    CONSTRAINT not_cancelled CHECK (dep IS NOT NULL) ON VIOLATION DLQ
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${DEMO_KAFKA:localhost:9092}',
    'topic' = '${DEMO_PREFIX:}departures',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'errors.deadletterqueue.topic.name' = '${DEMO_PREFIX:}departures-dead'
);

CREATE TABLE hourly (
    origin       STRING,
    window_start TIMESTAMP(3),
    window_end   TIMESTAMP(3),
    departures   BIGINT,
    mean_delay   DECIMAL(38, 6),
    worst_delay  INT
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${DEMO_KAFKA:localhost:9092}',
    'topic' = '${DEMO_PREFIX:}departures-hourly',
    'format' = 'json'
);

CREATE TABLE late_departures (
    carrier      STRING,
    flight       INT,
    origin       STRING,
    dest         STRING,
    sched_dep    TIMESTAMP(3),
    dep          TIMESTAMP(3),
    dep_delay    INT,
    window_start TIMESTAMP(3),  -- the hour it missed
    late_watermark TIMESTAMP(3), -- what it was judged by
    late_by_ms   BIGINT
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${DEMO_KAFKA:localhost:9092}',
    'topic' = '${DEMO_PREFIX:}departures-late',
    'format' = 'json'
);

CREATE VIEW per_hour AS
SELECT origin, window_start, window_end,
       COUNT(*) AS departures,
       AVG(CAST(dep_delay AS DECIMAL(10, 0))) AS mean_delay,
       MAX(dep_delay) AS worst_delay
FROM TABLE(TUMBLE(TABLE departures, DESCRIPTOR(sched_dep), INTERVAL '1' HOUR))
GROUP BY origin, window_start, window_end;

EXECUTE STATEMENT SET
BEGIN
    INSERT INTO hourly SELECT * FROM per_hour;

    -- Rows that came after their hour had closed: none is lost, each says by how much it missed.
    INSERT INTO late_departures
    SELECT carrier, flight, origin, dest, sched_dep, dep, dep_delay, window_start,
           late_watermark, late_by_ms
    FROM per_hour$late;
END;
