CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'avro-registry',
    'avro-registry.url' = 'https://localhost:8081',
    'avro-registry.ssl.truststore.location' = '/etc/trust.jks'
);
SELECT auction FROM bids;
