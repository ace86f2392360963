-- One statement for the tables: they refer to one another in circles.
DROP TABLE api_keys, idempotency_keys, events, claims, bookings, slots, customers, services, providers, locations, vendors;
DROP TYPE slots_look, slot_part, slot_wanted, opening;
DROP DOMAIN time_range, place_count, booking_status, booking_kind, event_kind, minor_units, currency_code, json_record;
