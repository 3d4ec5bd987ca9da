-- Flink's type of the headers.
CREATE TABLE t (a INT, h MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL, tags MAP<STRING, STRING>) WITH (
  'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1',
  'scan.startup.mode' = 'earliest-offset');
SELECT a FROM t;
