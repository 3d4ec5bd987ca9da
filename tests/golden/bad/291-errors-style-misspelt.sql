CREATE TABLE bids (auction BIGINT) WITH ('connector' = 'kafka', 'topic' = 'bids', 'format' = 'json',
  'properties.bootstrap.servers' = 'localhost:9092', 'scan.startup.mode' = 'earliest-offset',
  'errors.deadletterqueue.topic.name' = 'dead', 'errors.deadletterqueue.context.headers.style' = 'sprint');
SELECT auction FROM bids;
