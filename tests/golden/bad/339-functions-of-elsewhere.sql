CREATE TABLE t (k INT, s STRING, ts TIMESTAMP(3)) WITH ('connector' = 'datagen');
SELECT DATEADD(ts, 1), GETDATE(), CHARINDEX('a', s), SAFE_CAST(s), UPER(s), SUBSTRNG(s, 1), CONCT(s, s), COLESCE(k, 1) FROM t;
