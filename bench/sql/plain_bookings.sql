-- The yardstick: the columns of `bookings` that say what was booked, with their types, in a table
-- that has a UUIDv7 primary key and no law. No CHECK, no domain, no foreign key, no other index.
CREATE TABLE plain_bookings (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    vendor_id       uuid,
    kind            text,
    status          text,
    quantity        integer,
    provider_id     uuid,
    location_id     uuid,
    service_id      uuid,
    customer_id     uuid,
    slot_ids        uuid[],
    during          tstzrange,
    price_amount    bigint,
    price_currency  text,
    hold_expires_at timestamptz,
    guests          integer,
    channel         text,
    notes           text,
    internal_notes  text,
    metadata        jsonb,
    token_version   integer DEFAULT 1,
    version         integer DEFAULT 1,
    created_at      timestamptz DEFAULT now(),
    updated_at      timestamptz DEFAULT now()
);
GRANT INSERT ON plain_bookings TO slotkeeper_app;
