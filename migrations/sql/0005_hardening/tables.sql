-- What closes gaps that 0004 left, and lets long slots be cut. Each part stands by itself; none rewrites a row of bookings or claims.

-- Closed time is the slot's own. What was closed beyond it, when a slot had been cut, says nothing.
UPDATE slots SET closed = closed * during::tstzmultirange
WHERE closed <> '{}' AND NOT range_merge(closed) <@ during;
ALTER TABLE slots DROP CONSTRAINT slots_closed,
    ADD CONSTRAINT slots_closed CHECK (closed = '{}' OR schedule_id IS NOT NULL AND range_merge(closed) <@ during);

-- A slot is cut where bookings stand in the way: a new slot takes over the claims that another has inside its times. NULL: none.
ALTER TYPE scheduled_change ADD ATTRIBUTE claims_from uuid;

-- Whoever books without a key names a service, whose rules and price then hold. On a small table of which nobody waits.
ALTER TABLE vendors ADD COLUMN service_required boolean NOT NULL DEFAULT false;
ALTER TYPE public_check ADD ATTRIBUTE service_required boolean;

-- Keys of requests that make nothing with an id (imports of calendars) said nothing, as would one that has lost its booking.
UPDATE idempotency_keys SET made = '{"done": true}' WHERE booking_id IS NULL AND made = '{}';

-- Only bookings that have a customer: whoever looks for a booking by its id cannot be led through it, as the planner otherwise does
-- for a vendor that is new since the last ANALYZE, of whom it expects one booking and so takes every index for as good as the key.
DROP INDEX bookings_by_customer;
CREATE INDEX bookings_by_customer ON bookings (vendor_id, customer_id) WHERE customer_id IS NOT NULL;

-- Whoever looks at what has changed since reads no more than that, as bookings_by_change lets them.
CREATE INDEX busy_times_by_change ON busy_times (vendor_id, updated_at);
