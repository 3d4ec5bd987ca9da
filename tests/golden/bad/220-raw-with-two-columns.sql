CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'raw', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
