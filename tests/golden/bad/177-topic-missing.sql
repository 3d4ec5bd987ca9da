CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
