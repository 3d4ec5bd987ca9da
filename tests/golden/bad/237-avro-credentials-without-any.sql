CREATE TABLE bids (auction BIGINT, price BIGINT) WITH (
    'connector' = 'kafka', 'topic' = 'bids', 'properties.bootstrap.servers' = 'localhost:9092',
    'scan.startup.mode' = 'earliest-offset', 'format' = 'avro-confluent',
    'avro-confluent.url' = 'http://localhost:8081',
    'avro-confluent.basic-auth.credentials-source' = 'USER_INFO'
);
SELECT auction FROM bids;
