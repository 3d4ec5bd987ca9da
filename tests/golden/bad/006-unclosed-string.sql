CREATE TABLE a (x INT) WITH (
  'connector' = 'print
);
SELECT 'fine';
