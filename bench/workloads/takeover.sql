-- Relays rows, and keeps a row of state for each key: how long rows wait when a worker dies
-- (bench/takeover).
CREATE TABLE bids (sent_us BIGINT, auction BIGINT) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_TOPIC}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE keys (k BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_KEYS}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'csv'
);
CREATE TABLE relayed (sent_us BIGINT, auction BIGINT) WITH (
  'connector' = 'kafka', 'topic' = '${BENCH_OUT}',
  'properties.bootstrap.servers' = '${BENCH_KAFKA}', 'format' = 'json'
);
CREATE TABLE counts (k BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
EXECUTE STATEMENT SET BEGIN
INSERT INTO relayed SELECT sent_us, auction FROM bids;
INSERT INTO counts SELECT k, COUNT(*)
FROM TABLE(TUMBLE(TABLE keys, DESCRIPTOR(ts), INTERVAL '1' DAY)) GROUP BY window_start, window_end, k;
END;
