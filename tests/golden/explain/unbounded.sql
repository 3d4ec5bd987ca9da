-- State that nothing bounds is said out loud; no Kafka, so no guarantee.
CREATE TABLE clicks (id STRING, page STRING, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'datagen', 'number-of-rows' = '100', 'scan.watermark.max-future-skew' = '0');
CREATE TABLE more (id STRING, page STRING, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE)
WITH ('connector' = 'filesystem', 'path' = 'clicks', 'format' = 'json');
SELECT id, UPPER(page) AS page FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY id, CHAR_LENGTH(page) ORDER BY ts) AS n
    FROM (SELECT * FROM clicks UNION ALL SELECT * FROM more)
) WHERE n = 1;
