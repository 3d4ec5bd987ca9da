CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = '0:42');
SELECT * FROM t;
