-- Promise: the names that files gave to rows (import_refs), each with what is missing, if anything: its vendor, or the row it
-- stands for, which no key binds. An erased customer's row is there.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION refs_to_nowhere(p_vendor_id uuid)
RETURNS TABLE (vendor_id uuid, kind text, id uuid, missing text[], more jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT r.vendor_id, 'import_ref', r.row_id, array_remove(ARRAY[
        CASE WHEN v.id IS NULL THEN 'vendor' END,
        CASE WHEN COALESCE(l.id, p.id, se.id, sc.id, e.id, cu.id, b.id) IS NULL THEN 'row' END], NULL),
        jsonb_build_object('of', r.kind)
    FROM import_refs r
    LEFT JOIN vendors v ON v.id = r.vendor_id
    LEFT JOIN locations l ON r.kind = 'locations' AND l.vendor_id = r.vendor_id AND l.id = r.row_id
    LEFT JOIN providers p ON r.kind = 'providers' AND p.vendor_id = r.vendor_id AND p.id = r.row_id
    LEFT JOIN services se ON r.kind = 'services' AND se.vendor_id = r.vendor_id AND se.id = r.row_id
    LEFT JOIN schedules sc ON r.kind = 'schedules' AND sc.vendor_id = r.vendor_id AND sc.id = r.row_id
    LEFT JOIN schedule_exceptions e ON r.kind = 'exceptions' AND e.vendor_id = r.vendor_id AND e.id = r.row_id
    LEFT JOIN customers cu ON r.kind = 'customers' AND cu.vendor_id = r.vendor_id AND cu.id = r.row_id
    LEFT JOIN bookings b ON r.kind = 'bookings' AND b.vendor_id = r.vendor_id AND b.id = r.row_id
    WHERE p_vendor_id IS NULL OR r.vendor_id = p_vendor_id
$$;
