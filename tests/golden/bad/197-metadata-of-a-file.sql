CREATE TABLE t (a INT, o BIGINT METADATA FROM 'offset' VIRTUAL) WITH ('connector' = 'filesystem', 'path' = '/tmp/x', 'format' = 'json');
SELECT * FROM t;
