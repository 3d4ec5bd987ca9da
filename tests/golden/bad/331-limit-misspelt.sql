CREATE TABLE t (k INT) WITH ('connector' = 'datagen');
SELECT k FROM t LIMT 10;
