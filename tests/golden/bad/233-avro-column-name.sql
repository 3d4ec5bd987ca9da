-- Avro's names have letters, digits and _ only.
CREATE TABLE bids (auction BIGINT, `price-eur` BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'avro'
);
SELECT auction FROM bids;
