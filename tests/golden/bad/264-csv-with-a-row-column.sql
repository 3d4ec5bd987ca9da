CREATE TABLE t (a INT, r ROW<x INT, y INT>) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv');
SELECT a, r.x FROM t;
