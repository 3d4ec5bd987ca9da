CREATE TABLE t (v STRING) WITH ('connector' = 'kafka', 'topic' = 'in;other;in', 'format' = 'raw',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT v FROM t;
