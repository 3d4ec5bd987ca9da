-- The registry's address is missing.
CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'avro-confluent'
);
SELECT auction FROM bids;
