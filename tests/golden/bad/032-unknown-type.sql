CREATE TABLE t (a BIGNIT, b INT) WITH ('connector' = 'print');
SELECT CAST(a AS TEXT) FROM t;
