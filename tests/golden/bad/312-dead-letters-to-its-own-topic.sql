CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 'other;in', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset',
  'errors.deadletterqueue.topic.name' = 'in');
SELECT 1 / a FROM t;
