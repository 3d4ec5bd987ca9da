CREATE TABLE t (a INT) WITH ('topic' = 't');
SELECT * FROM t;
