CREATE TABLE t (a INT) WIHT ('connector' = 'kafka', 'properties.sasl.pasword' = 'geheim');
