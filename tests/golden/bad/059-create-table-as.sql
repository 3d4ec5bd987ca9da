CREATE TABLE t WITH ('connector' = 'print') AS SELECT 1;
CREATE TABLE u LIKE t;
