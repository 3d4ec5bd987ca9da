CREATE TABLE t (
  a TIMESTAMP(3),
  WATERMARK FOR a AS a,
  WATERMARK FOR a AS a - INTERVAL '5' SECOND
) WITH ('connector' = 'print');
