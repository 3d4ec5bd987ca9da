SET 'my.pass' = 'geheim'; SET 'parallelism.default' = 'many'; SELECT 'a' || b AS c FRM x;
