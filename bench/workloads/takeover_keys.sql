-- As many keys as wanted, all of one day (bench/takeover).
CREATE TABLE made (k BIGINT) WITH (
  'connector' = 'datagen', 'number-of-rows' = '${BENCH_ROWS}', 'rows-per-second' = '100000000',
  'fields.k.kind' = 'sequence', 'fields.k.start' = '1', 'fields.k.end' = '${BENCH_ROWS}'
);
CREATE TABLE keys (k BIGINT, ts TIMESTAMP(3)) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_KEYS}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}', 'format' = 'csv'
);
INSERT INTO keys SELECT k, TIMESTAMP '2024-01-01 12:00:00' FROM made;
