-- One statement for the tables: they refer to one another in circles.
DROP TABLE api_keys, idempotency_keys, events, claims, bookings, slots, customers, services, providers, locations, vendors;
DROP TYPE slot_part;
DROP TYPE slot_wanted;
