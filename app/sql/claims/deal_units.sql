-- Promise: the claims given, and those that must make way for them, each with units it can have together with all others
-- of the provider's; NULL when places are short at some moment. The units are 1 to p_capacity. What is
-- given as not dealt yet is dealt in order of its start: it gets units free at that moment, preferably for all its
-- time. Whoever comes later and has one of these is dealt anew after it, and so on. That
-- always goes well: claims are intervals, and at the start of each no more places are taken than there are. Whatever
-- began before the first of them keeps its units.
-- Locks: none; the caller holds the slots. Raises: nothing.
CREATE OR REPLACE FUNCTION deal_units(
    p_vendor_id uuid, p_provider_id uuid, p_capacity integer, p_claims dealt_claim[]
) RETURNS dealt_claim[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_claims dealt_claim[] := p_claims;
    v_next   record;
    v_other  record;
    v_free   int4multirange;
BEGIN
    LOOP
        SELECT d.place, d.during, d.quantity INTO v_next
        FROM unnest(v_claims) WITH ORDINALITY AS d (booking_id, ordinal, during, quantity, units, place)
        WHERE d.units IS NULL ORDER BY lower(d.during), d.place LIMIT 1;
        IF NOT FOUND THEN
            RETURN v_claims;
        END IF;
        v_free := int4multirange(int4range(1, p_capacity + 1));
        FOR v_other IN
            SELECT GREATEST(lower(o.during), lower(v_next.during)) AS start, range_agg(o.units) AS units
            FROM (
                SELECT d.during, d.units FROM unnest(v_claims) AS d WHERE d.during && v_next.during AND d.units IS NOT NULL
                UNION ALL
                SELECT c.during, c.units FROM claims c
                WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && v_next.during
                  AND NOT EXISTS (SELECT FROM unnest(v_claims) AS d WHERE (d.booking_id, d.ordinal) = (c.booking_id, c.ordinal))
            ) AS o
            GROUP BY start ORDER BY start
        LOOP
            -- From there on some must make way: let it be as late as possible, and so as few.
            EXIT WHEN v_other.start > lower(v_next.during) AND units_count(v_free - v_other.units) < v_next.quantity;
            v_free := v_free - v_other.units;
        END LOOP;
        IF units_count(v_free) < v_next.quantity THEN
            RETURN NULL;
        END IF;
        v_claims[v_next.place].units := lowest_units(v_free, v_next.quantity);
        v_claims := v_claims || ARRAY(
            SELECT ROW(c.booking_id, c.ordinal, c.during, c.quantity, NULL)::dealt_claim FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && v_next.during
              AND c.units && v_claims[v_next.place].units
              AND NOT EXISTS (SELECT FROM unnest(v_claims) AS d WHERE (d.booking_id, d.ordinal) = (c.booking_id, c.ordinal)));
    END LOOP;
END
$$;
