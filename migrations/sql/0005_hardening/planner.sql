-- What the planner is to take for granted of tables that nobody has analyzed yet: all their rows may be of one vendor, an id is of one row alone,
-- a booking has two claims or events, and nobody has been erased.
--
-- Left to itself it assumes two hundred vendors, and two hundred ids, so that in a table with few rows it finds every index that begins with the
-- vendor as good as the key itself, and in one with thousands expects many rows of each id, for which all customers of the vendor are worth reading.
-- Sessions keep such a plan until the table is analyzed, and meanwhile read all of a vendor's rows for each that they want: a first import, whose
-- rows nobody else can analyze, read thousands a booking. From the first ANALYZE on, what that finds holds. Statistics are no part of the schema:
-- a downgrade leaves them.
SELECT pg_restore_attribute_stats(
    'schemaname', 'public', 'relname', c.relname::text, 'attname', a.attname::text, 'inherited', false,
    'null_frac', CASE a.attname WHEN 'erased_at' THEN 1 ELSE 0 END::real, 'avg_width', 16,
    'n_distinct', CASE a.attname WHEN 'id' THEN -1 WHEN 'booking_id' THEN -0.5 ELSE 1 END::real)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.atttypid IN ('uuid'::regtype, 'timestamptz'::regtype)
     AND a.attname IN ('vendor_id', 'id', 'booking_id', 'erased_at')
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  AND NOT EXISTS (
      SELECT FROM pg_stats s WHERE s.schemaname = 'public' AND s.tablename = c.relname AND s.attname = a.attname);
