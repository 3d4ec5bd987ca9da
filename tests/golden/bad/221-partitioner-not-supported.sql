CREATE TABLE s (a INT) WITH ('connector' = 'datagen');
CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json',
  'properties.bootstrap.servers' = 'h:1', 'sink.partitioner' = 'round-robin');
INSERT INTO t SELECT a FROM s;
