-- A name given in a SELECT list is known to the query around it alone.
CREATE TABLE t (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
SELECT a + 1 AS b FROM t WHERE b > 1;
SELECT a AS x, x + 1 FROM t;
SELECT a AS k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY k, window_start, window_end;
SELECT a, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY a, window_start, window_end HAVING n > 1;
SELECT x FROM (SELECT a AS x FROM t) WHERE y > 1;
