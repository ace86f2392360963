-- What keeps calendars and their check right. Each part stands by itself; none rewrites a row of bookings or claims.

-- Times of a slot that no schedule gives any more, kept for those who have booked there: nobody else can book them, also
-- when these cancel. Nearly always empty. A slot made by hand has none.
ALTER TABLE slots ADD COLUMN closed tstzmultirange NOT NULL DEFAULT '{}',
    ADD CONSTRAINT slots_closed CHECK (closed = '{}' OR schedule_id IS NOT NULL AND range_merge(closed) <@ during);
CREATE INDEX slots_partly_closed ON slots (vendor_id, provider_id) WHERE closed <> '{}';
ALTER TYPE slot_part ADD ATTRIBUTE closed tstzmultirange;
ALTER TYPE scheduled_slot ADD ATTRIBUTE closed tstzmultirange;
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
