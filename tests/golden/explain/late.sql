-- Windows on a topic: late rows, dead letters, checks, and who reads them.
CREATE TABLE flights (
    origin STRING,
    delay  INT,
    gate   ROW<name STRING>,
    part   INT METADATA FROM 'partition' VIRTUAL,
    ts     TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '30' MINUTE,
    CONSTRAINT has_delay CHECK (delay IS NOT NULL) ON VIOLATION DLQ,
    CHECK (gate.name <> '') ON VIOLATION DROP
) WITH ('connector' = 'kafka', 'topic' = 'flights', 'format' = 'json',
    'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset',
    'scan.watermark.idle-timeout' = '30 s',
    'errors.deadletterqueue.topic.name' = 'flights-dead', 'errors.budget' = '1 % of 10000');
CREATE TABLE hourly (origin STRING, began TIMESTAMP(3), n BIGINT, worst INT)
WITH ('connector' = 'kafka', 'topic' = 'hourly', 'format' = 'json', 'key.format' = 'json',
    'key.fields' = 'origin', 'properties.bootstrap.servers' = 'localhost:9092', 'errors.mode' = 'fail');
CREATE TABLE missed (origin STRING, ts TIMESTAMP(3), late_by_ms BIGINT)
WITH ('connector' = 'filesystem', 'path' = 'late.jsonl', 'format' = 'json');

CREATE VIEW per_hour AS
SELECT origin, window_start, COUNT(*) AS n, MAX(delay) FILTER (WHERE part < 3) AS worst
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY origin, window_start, window_end;
INSERT INTO hourly SELECT * FROM per_hour WHERE n > 1;
INSERT INTO missed SELECT origin, ts, late_by_ms FROM per_hour$late;
SELECT error_code, error_message FROM flights$errors;
