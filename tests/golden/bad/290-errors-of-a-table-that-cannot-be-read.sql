CREATE TABLE sums (auction BIGINT, total BIGINT) WITH ('connector' = 'print');
SELECT error_message FROM sums$errors;
