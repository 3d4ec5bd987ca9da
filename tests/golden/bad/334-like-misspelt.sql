CREATE TABLE t (s STRING) WITH ('connector' = 'datagen');
SELECT s FROM t WHERE s LKIE 'a%';
