-- PostgreSQL's way to write it.
CREATE TABLE t (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '10 seconds') WITH ('connector' = 'datagen');
SELECT a FROM t;
SELECT a FROM t WHERE ts > ts - INTERVAL '2 days';
