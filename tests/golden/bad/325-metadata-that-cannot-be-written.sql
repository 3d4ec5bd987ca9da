-- timestamp and headers may stand there without VIRTUAL; the others are the broker's, or the key's.
CREATE TABLE t (a INT, p INT METADATA FROM 'partition', sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  headers STRING METADATA, k BYTES METADATA FROM 'key', topic STRING METADATA VIRTUAL) WITH (
  'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
INSERT INTO t SELECT a, 1, TO_TIMESTAMP_LTZ(a, 3), '{}', X'00' FROM s;
