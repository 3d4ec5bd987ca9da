CREATE TABLE t (a INT, PRIMARY KEY (b) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE s (a INT) WITH ('connector' = 'datagen');
INSERT INTO t SELECT a FROM s;
