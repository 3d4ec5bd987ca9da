CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'avro-confluent',
    'avro-confluent.url' = 'localhost:8081'
);
SELECT auction FROM bids;
