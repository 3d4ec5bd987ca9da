CREATE TABLE a (x INT) WITH ('connector' = 'print')
INSERT INTO a SELECT 1;
