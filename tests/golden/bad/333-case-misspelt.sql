CREATE TABLE t (k INT) WITH ('connector' = 'datagen');
SELECT CSAE WHEN k > 1 THEN 2 END FROM t;
