CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.security.protocol' = 'sasl_sll',
  'scan.startup.mode' = 'earlyest', 'properties.bootstrap.servers' = 'h:1');
SELECT * FROM t;
