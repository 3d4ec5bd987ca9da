SELECT id, user FROM t;
