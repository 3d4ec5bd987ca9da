-- One position in a partition for each job: the second reader is named, a writer or a table nobody reads is fine.
CREATE TABLE a (x INT, y STRING) WITH ('connector' = 'kafka', 'topic' = 'one;in', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE b (v STRING) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'raw',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE unread (v STRING) WITH ('connector' = 'kafka', 'topic' = 'one', 'format' = 'raw',
  'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE written (x INT) WITH ('connector' = 'kafka', 'topic' = 'in', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1');
INSERT INTO written SELECT x FROM a;
SELECT v FROM b;
