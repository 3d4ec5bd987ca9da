-- Columns are matched by position: METADATA columns that are written count, VIRTUAL ones do not.
CREATE TABLE t (a INT, sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', o BIGINT METADATA FROM 'offset' VIRTUAL,
  at_all DOUBLE METADATA FROM 'timestamp', headers STRING METADATA) WITH (
  'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE u (a INT, sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', o BIGINT METADATA FROM 'offset' VIRTUAL,
  headers STRING METADATA) WITH (
  'connector' = 'kafka', 'topic' = 'x', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE s (a INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');
INSERT INTO u SELECT a, 2, TO_TIMESTAMP_LTZ(a, 3), '{}' FROM s;
INSERT INTO u SELECT a, '{}', TO_TIMESTAMP_LTZ(a, 3) FROM s;
INSERT INTO u (a, o) SELECT a, 1 FROM s;
