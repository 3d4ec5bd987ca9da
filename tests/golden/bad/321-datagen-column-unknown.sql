-- Options of datagen name columns: one that is not there, one that is computed.
CREATE TABLE t (auction BIGINT, price INT, twice AS price * 2) WITH ('connector' = 'datagen',
  'fields.auktion.min' = '1',
  'fields.twice.max' = '5');
SELECT auction FROM t;
