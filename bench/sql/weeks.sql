-- Half hours from nine to five on every day of %(days)s days from tomorrow, at each of these providers.
INSERT INTO schedules (vendor_id, provider_id, valid_from, valid_until, weekly, slot_minutes)
SELECT %(vendor_id)s, provider_id, %(first)s::date, %(first)s::date + %(days)s - 1,
       (SELECT jsonb_object_agg(day, '[["09:00", "17:00"]]'::jsonb)
        FROM unnest('{monday,tuesday,wednesday,thursday,friday,saturday,sunday}'::text[]) AS day), 30
FROM unnest(%(provider_ids)s::uuid[]) AS provider_id
