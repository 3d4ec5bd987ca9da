CREATE TABLE shop.orders (k INT) WITH ('connector' = 'datagen');
CREATE TABLE lines (k INT) WITH ('connector' = 'datagen');
CREATE TABLE default_database.lines (k INT) WITH ('connector' = 'datagen');
SELECT k FROM shop.ordres;
SELECT k FROM default_catalog.default_database.liens;
