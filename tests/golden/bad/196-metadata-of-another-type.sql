CREATE TABLE t (a INT, p STRING METADATA FROM 'partition' VIRTUAL) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
