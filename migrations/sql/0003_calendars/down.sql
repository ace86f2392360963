-- The reverse of tables.sql, part by part, last first.

