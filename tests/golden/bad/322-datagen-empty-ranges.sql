-- Nothing lies between these, and these are no numbers.
CREATE TABLE t (a INT, b INT, c INT) WITH ('connector' = 'datagen', 'number-of-rows' = '-1',
  'fields.a.min' = '10', 'fields.a.max' = '9',
  'fields.b.kind' = 'sequence', 'fields.b.start' = '5', 'fields.b.end' = '4',
  'fields.c.min' = 'low', 'fields.c.max' = 'high');
SELECT a, b, c FROM t;
