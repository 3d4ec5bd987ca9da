CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv', 'csv.quote-character' = '»', 'csv.array-element-delimiter' = ';');
SELECT * FROM t;
