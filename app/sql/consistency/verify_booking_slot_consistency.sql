-- Promise: one row a check: PASS or FAIL, how many violations, and the first ten. It reads the
-- tables as if no constraint existed, so that it can disagree with them. NULL: every vendor, since ever, every
-- check. With p_since: bookings that say they have changed since, and what stands next to them.
-- The checks of schema and rights have no vendor and no time; they always look at all of it.
-- Each check is a statement of its own, so that its memory and temporary files are given back before
-- the next; a sort that outgrows work_mem goes to disk. No parallel workers: the service needs them.
-- A call sees one moment; several calls do in one REPEATABLE READ transaction.
-- Locks: none (ACCESS SHARE). Raises: SK001, 57014.
CREATE OR REPLACE FUNCTION verify_booking_slot_consistency(
    p_vendor_id uuid DEFAULT NULL, p_since timestamptz DEFAULT NULL, p_checks text[] DEFAULT NULL
) RETURNS TABLE (check_name text, status text, violations bigint, offenders jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan
SET work_mem = '64MB'
SET max_parallel_workers_per_gather = 0
AS $$
BEGIN
    FOREACH check_name IN ARRAY COALESCE(p_checks, ARRAY[
        'claims_fit_slot_and_booking', 'no_unit_claimed_twice', 'occupying_bookings_have_their_claims', 'bookings_within_capacity',
        'bookings_match_their_claims', 'slots_do_not_overlap', 'events_retell_bookings', 'idempotency_keys_point_to_bookings',
        'busy_blocks_match_their_bookings', 'busy_time_is_closed', 'times_are_possible', 'nothing_is_orphaned', 'no_hold_is_long_lapsed',
        'laws_are_in_force', 'functions_are_unaltered', 'rights_are_as_designed'])
    LOOP
        CASE check_name
            WHEN 'claims_fit_slot_and_booking' THEN
                SELECT f.* INTO violations, offenders FROM find_misfit_claims(p_vendor_id, p_since) AS f;
            WHEN 'no_unit_claimed_twice' THEN
                SELECT f.* INTO violations, offenders FROM find_units_claimed_twice(p_vendor_id, p_since) AS f;
            WHEN 'occupying_bookings_have_their_claims' THEN
                SELECT f.* INTO violations, offenders FROM find_bookings_without_claims(p_vendor_id, p_since) AS f;
            WHEN 'bookings_within_capacity' THEN
                SELECT f.* INTO violations, offenders FROM find_capacity_exceeded(p_vendor_id, p_since) AS f;
            WHEN 'bookings_match_their_claims' THEN
                SELECT f.* INTO violations, offenders FROM find_bookings_unlike_claims(p_vendor_id, p_since) AS f;
            WHEN 'slots_do_not_overlap' THEN
                SELECT f.* INTO violations, offenders FROM find_overlapping_slots(p_vendor_id, p_since) AS f;
            WHEN 'events_retell_bookings' THEN
                SELECT f.* INTO violations, offenders FROM find_untrue_histories(p_vendor_id, p_since) AS f;
            WHEN 'idempotency_keys_point_to_bookings' THEN
                SELECT f.* INTO violations, offenders FROM find_keys_to_nowhere(p_vendor_id, p_since) AS f;
            WHEN 'busy_blocks_match_their_bookings' THEN
                SELECT f.* INTO violations, offenders FROM find_busy_blocks_astray(p_vendor_id, p_since) AS f;
            WHEN 'busy_time_is_closed' THEN
                SELECT f.* INTO violations, offenders FROM find_bookable_busy_time(p_vendor_id, p_since) AS f;
            WHEN 'times_are_possible' THEN
                SELECT f.* INTO violations, offenders FROM find_impossible_times(p_vendor_id, p_since) AS f;
            WHEN 'nothing_is_orphaned' THEN
                SELECT f.* INTO violations, offenders FROM find_orphans(p_vendor_id, p_since) AS f;
            WHEN 'no_hold_is_long_lapsed' THEN
                SELECT f.* INTO violations, offenders FROM find_lapsed_holds(p_vendor_id) AS f;
            WHEN 'laws_are_in_force' THEN
                SELECT f.* INTO violations, offenders FROM find_altered_laws() AS f;
            WHEN 'functions_are_unaltered' THEN
                SELECT f.* INTO violations, offenders FROM find_altered_functions() AS f;
            WHEN 'rights_are_as_designed' THEN
                SELECT f.* INTO violations, offenders FROM find_altered_rights() AS f;
            ELSE
                RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = format('there is no check named %L', check_name);
        END CASE;
        status := CASE WHEN violations = 0 THEN 'PASS' ELSE 'FAIL' END;
        RETURN NEXT;
    END LOOP;
END
$$;
