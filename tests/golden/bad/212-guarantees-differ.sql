CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset', 'sink.delivery-guarantee' = 'exactly-once');
CREATE TABLE u (a INT) WITH ('connector' = 'kafka', 'topic' = 'u', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset', 'sink.delivery-guarantee' = 'at-least-once');
CREATE TABLE s (a INT) WITH ('connector' = 'datagen');
INSERT INTO t SELECT a FROM s;
INSERT INTO u SELECT a FROM s;
