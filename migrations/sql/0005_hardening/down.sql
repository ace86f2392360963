-- Takes away what tables.sql added, last things first.

DROP INDEX busy_times_by_change;
DROP INDEX bookings_by_customer;
CREATE INDEX bookings_by_customer ON bookings (vendor_id, customer_id);
ALTER TYPE public_check DROP ATTRIBUTE service_required;
ALTER TABLE vendors DROP COLUMN service_required;
ALTER TYPE scheduled_change DROP ATTRIBUTE claims_from;
ALTER TABLE slots DROP CONSTRAINT slots_closed,
    ADD CONSTRAINT slots_closed CHECK (closed = '{}' OR schedule_id IS NOT NULL);
