-- A provider is published at most once for any moment.
SELECT concat('provider ', one.provider_id, ': slots ', one.id, ' and ', other.id)
FROM slots one
JOIN slots other ON other.vendor_id = one.vendor_id AND other.provider_id = one.provider_id AND one.id < other.id
                AND lower(one.during) < upper(other.during) AND lower(other.during) < upper(one.during)
WHERE one.vendor_id = %(vendor_id)s
ORDER BY 1
