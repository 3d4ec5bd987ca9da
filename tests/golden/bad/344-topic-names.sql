-- No broker would have these, be it asked or not.
CREATE TABLE a (x INT) WITH ('connector' = 'kafka', 'topic' = 'good;no good;..', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1');
CREATE TABLE b (x INT) WITH ('connector' = 'kafka', 'topic' = 'zürich', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1',
  'errors.deadletterqueue.topic.name' = 'dead/letters');
CREATE TABLE c (x INT) WITH ('connector' = 'kafka', 'format' = 'json', 'properties.bootstrap.servers' = 'h:1', 'topic' = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx');
CREATE TABLE s (x INT) WITH ('connector' = 'datagen');
INSERT INTO b SELECT x FROM s;
