CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'maybe');
SELECT * FROM t;
