CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = '/tmp/x');
SELECT * FROM t;
