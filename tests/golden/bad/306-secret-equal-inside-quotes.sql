CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'properties.sasl.password=geheim', 'properties.sasl.username' = 'me');
