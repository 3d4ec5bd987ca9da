CREATE TABLE t (k INT) WITH ('connector' = 'datagen');
SELECT k FROM t EMIT CHANGES;
