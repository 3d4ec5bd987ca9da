CREATE TABLE t (
  id BIGINT,
  user STRING,
  ts TIMESTAMP(3)
) WITH ('connector' = 'print');
