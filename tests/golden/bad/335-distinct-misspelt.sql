CREATE TABLE t (k INT) WITH ('connector' = 'datagen');
SELECT DISTNCT k FROM t;
