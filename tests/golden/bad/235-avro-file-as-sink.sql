CREATE TABLE bids (auction BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
CREATE TABLE kept (auction BIGINT) WITH (
    'connector' = 'filesystem', 'path' = 'bids.avro', 'format' = 'avro'
);
INSERT INTO kept SELECT auction FROM bids;
