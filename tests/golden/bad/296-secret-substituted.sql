CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset', 'properties.security.protocol' = '${MR_GOLDEN_SECRET}');
SELECT * FROM t;
