CREATE TABLE t (ts TIMESTAMP(3)) WITH ('connector' = 'datagen');
SELECT DATE_FORMAT(ts, 'yYuMLdDEwQaHhkKmsSnXxZz'), DATE_FORMAT(ts, 'yyyy-MM-ddTHH') FROM t;
