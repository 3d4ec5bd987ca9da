CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'avro-confluent',
    'avro-confluent.url' = 'http://localhost:8081',
    'avro-confluent.schema' = '{"type":"record","name":"bid","fields":[{"name":"auction","type":"string"}]}'
);
SELECT auction FROM bids;
