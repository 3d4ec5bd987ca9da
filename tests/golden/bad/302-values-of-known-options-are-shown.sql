CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earlyest',
  'properties.security.protocol' = 'sasl_sll', 'properties.linger.ms' = 5, 'properties.bootstrap.servers' = 'h:1');
SELECT * FROM t;
