-- Takes away what tables.sql added, last things first.

DROP INDEX busy_times_by_change;
DROP INDEX bookings_by_customer;
CREATE INDEX bookings_by_customer ON bookings (vendor_id, customer_id);
ALTER TYPE public_check DROP ATTRIBUTE service_required;
ALTER TABLE vendors DROP COLUMN service_required;
ALTER TYPE scheduled_change DROP ATTRIBUTE claims_from;
ALTER TYPE scheduled_slot DROP ATTRIBUTE closed;
ALTER TYPE slot_part DROP ATTRIBUTE closed;
DROP INDEX slots_partly_closed;
ALTER TABLE slots DROP COLUMN closed;
