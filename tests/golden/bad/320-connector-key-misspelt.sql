-- The key of the connector itself: it is named, though no connector says what the options are.
CREATE TABLE t (a INT) WITH (
  'conector' = 'kafka', 'topic' = 'x');
SELECT a FROM t;
