CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = '${TOPIC', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT a FROM t;
