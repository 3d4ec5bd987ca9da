CREATE TABLE t (k INT) WITH ('connector' = 'datagen');
SELECT k FRM t;
