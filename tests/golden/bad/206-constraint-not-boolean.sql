CREATE TABLE t (a INT, CONSTRAINT c CHECK (a + 1)) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
