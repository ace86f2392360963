-- Promise: the last moment not after p_moment that lies whole steps after the beginning of the slot. The
-- steps are elapsed time: no clock that is put forward or back moves them.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION grid_start(
    p_moment timestamptz, p_slot_during tstzrange, p_step_minutes integer
) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin(make_interval(mins => p_step_minutes), p_moment, lower(p_slot_during));
