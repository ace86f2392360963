-- Takes away what tables.sql added, last things first.

ALTER TYPE scheduled_slot DROP ATTRIBUTE closed;
ALTER TYPE slot_part DROP ATTRIBUTE closed;
DROP INDEX slots_partly_closed;
ALTER TABLE slots DROP COLUMN closed;
