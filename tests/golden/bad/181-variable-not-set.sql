CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.bootstrap.servers' = '${MILLRACE_TEST_NOT_SET}', 'scan.startup.mode' = 'earliest-offset');
SELECT * FROM t;
