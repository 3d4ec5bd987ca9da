-- Keys have options of their own.
CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset',
    'key.format' = 'avro-confluent', 'key.fields' = 'auction',
    'value.format' = 'json'
);
SELECT auction FROM bids;
