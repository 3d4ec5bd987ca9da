CREATE TABLE t (a INT, b, c STRING) WITH ('connector' = 'print');
