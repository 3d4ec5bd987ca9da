CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (a INT) WITH ('connector' = 'kafka', 'topic' = 'u', 'format' = 'json', 'properties.bootstrap.servers' = 'other:1');
INSERT INTO u SELECT a FROM t;
