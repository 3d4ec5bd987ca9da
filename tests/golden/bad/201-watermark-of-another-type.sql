CREATE TABLE t (a BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS a) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
