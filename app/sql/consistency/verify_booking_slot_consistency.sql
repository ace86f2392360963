-- Promise: one row a check: PASS or FAIL, how many violations, and the first ten. It reads the
-- tables as if no constraint existed, so that it can disagree with them. NULL: every vendor.
-- Locks: none. Raises: 57014.
CREATE OR REPLACE FUNCTION verify_booking_slot_consistency(p_vendor_id uuid DEFAULT NULL)
RETURNS TABLE (check_name text, status text, violations bigint, offenders jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT found.check_name, CASE WHEN found.violations = 0 THEN 'PASS' ELSE 'FAIL' END, found.violations, found.offenders
    FROM (
        SELECT 1, 'claims_fit_slot_and_booking', f.* FROM find_misfit_claims(p_vendor_id) AS f
        UNION ALL SELECT 2, 'no_unit_claimed_twice', f.* FROM find_units_claimed_twice(p_vendor_id) AS f
        UNION ALL SELECT 3, 'occupying_bookings_have_their_claims', f.* FROM find_bookings_without_claims(p_vendor_id) AS f
        UNION ALL SELECT 4, 'bookings_within_capacity', f.* FROM find_capacity_exceeded(p_vendor_id) AS f
    ) AS found (position, check_name, violations, offenders)
    ORDER BY found.position
$$;
