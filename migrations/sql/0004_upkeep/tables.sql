-- What keeps calendars and their check right. Each part stands by itself; none rewrites a row of bookings or claims.

-- Times of a slot that no schedule gives any more, kept for those who have booked there: nobody else can book them, also
-- when these cancel. Nearly always empty. A slot made by hand has none.
ALTER TABLE slots ADD COLUMN closed tstzmultirange NOT NULL DEFAULT '{}',
    ADD CONSTRAINT slots_closed CHECK (closed = '{}' OR schedule_id IS NOT NULL);
CREATE INDEX slots_partly_closed ON slots (vendor_id, provider_id) WHERE closed <> '{}';
ALTER TYPE slot_part ADD ATTRIBUTE closed tstzmultirange;
ALTER TYPE scheduled_slot ADD ATTRIBUTE closed tstzmultirange;
