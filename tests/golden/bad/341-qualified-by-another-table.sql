-- Names in front of a column are the end of the table's name in FROM, or its alias, which hides that.
CREATE TABLE shop.orders (k INT, amount INT) WITH ('connector' = 'datagen');
SELECT cat.shop.orders.k FROM shop.orders;
SELECT shop.orders.k FROM shop.orders AS o;
SELECT store.orders.k FROM shop.orders;
SELECT shop.orders.amout FROM shop.orders;
SELECT store.orders.* FROM shop.orders;
SELECT default_catalog.k FROM shop.orders;
