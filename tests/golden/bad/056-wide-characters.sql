SELECT '日本', 	é, FROM t;
