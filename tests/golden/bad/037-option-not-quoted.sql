CREATE TABLE t (a INT) WITH (connector = 'print');
CREATE TABLE u (a INT) WITH ('number-of-rows' = 5);
