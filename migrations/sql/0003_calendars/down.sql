-- The reverse of tables.sql, part by part, last first.

ALTER TABLE vendors DROP COLUMN channels;
ALTER TABLE bookings DROP COLUMN buffer_before_minutes, DROP COLUMN buffer_after_minutes;
DROP TABLE service_providers, service_needs;
ALTER TABLE services DROP COLUMN buffer_before_minutes, DROP COLUMN buffer_after_minutes, DROP COLUMN start_step_minutes,
    DROP COLUMN notice_minutes, DROP COLUMN window_days, DROP COLUMN quantity_min, DROP COLUMN quantity_max;
