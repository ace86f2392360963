-- A vendor with one location, its providers, and a thousand customers who come again.
WITH vendor AS (
    INSERT INTO vendors (slug, name, time_zone) VALUES (%(slug)s, %(slug)s, 'Europe/Berlin') RETURNING id
), location AS (
    INSERT INTO locations (vendor_id, name, time_zone)
    SELECT id, 'Main street', 'Europe/Berlin' FROM vendor RETURNING vendor_id, id
), known AS (
    INSERT INTO customers (vendor_id, name, email)
    SELECT vendor.id, 'Customer ' || k, 'customer' || k || '@example.org'
    FROM vendor, generate_series(0, 999) AS k
), provider AS (
    INSERT INTO providers (vendor_id, location_id, name)
    SELECT vendor_id, id, 'Provider ' || p FROM location, generate_series(1, %(providers)s) AS p
    RETURNING vendor_id, location_id, id
)
SELECT vendor_id, location_id, array_agg(id ORDER BY id) AS provider_ids
FROM provider GROUP BY vendor_id, location_id
