-- The tables of Slotkeeper and the six laws that PostgreSQL holds over them.
-- vendor_id comes first in every key: a distributed PostgreSQL asks for it, and one vendor's
-- data can then never be joined, by mistake, to another's. Slots and what hangs on them reach their
-- vendor through the provider; a key of their own to vendors would make every booking of a vendor
-- take a share lock on one and the same row.

CREATE TABLE vendors (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    slug        text NOT NULL CONSTRAINT vendors_slug_key UNIQUE
                CONSTRAINT vendors_slug_form CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name        text NOT NULL CONSTRAINT vendors_name_length CHECK (length(name) BETWEEN 1 AND 200),
    time_zone   text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz
);

CREATE TABLE locations (
    vendor_id   uuid NOT NULL REFERENCES vendors (id),
    id          uuid NOT NULL DEFAULT uuidv7(),
    name        text NOT NULL CONSTRAINT locations_name_length CHECK (length(name) BETWEEN 1 AND 200),
    address     text NOT NULL DEFAULT '' CONSTRAINT locations_address_length CHECK (length(address) <= 1000),
    time_zone   text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (vendor_id, id)
);

CREATE TABLE providers (
    vendor_id   uuid NOT NULL REFERENCES vendors (id),
    id          uuid NOT NULL DEFAULT uuidv7(),
    location_id uuid NOT NULL,
    name        text NOT NULL CONSTRAINT providers_name_length CHECK (length(name) BETWEEN 1 AND 200),
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT providers_location_fkey FOREIGN KEY (vendor_id, location_id) REFERENCES locations (vendor_id, id)
);

CREATE TABLE services (
    vendor_id        uuid NOT NULL REFERENCES vendors (id),
    id               uuid NOT NULL DEFAULT uuidv7(),
    name             text NOT NULL CONSTRAINT services_name_length CHECK (length(name) BETWEEN 1 AND 200),
    -- NULL: the service takes the whole slot, however long that is.
    duration_minutes integer CONSTRAINT services_duration CHECK (duration_minutes BETWEEN 1 AND 525600),
    price_amount     bigint,
    price_currency   text,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    archived_at      timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT services_price CHECK (
        (price_amount IS NULL AND price_currency IS NULL)
        OR (price_amount BETWEEN 0 AND 10000000000 AND price_currency ~ '^[A-Z]{3}$') IS TRUE)
);

-- The only table of personal data, beside a booking's own notes.
CREATE TABLE customers (
    vendor_id  uuid NOT NULL REFERENCES vendors (id),
    id         uuid NOT NULL DEFAULT uuidv7(),
    name       text CONSTRAINT customers_name_length CHECK (length(name) BETWEEN 1 AND 200),
    email      text CONSTRAINT customers_email_length CHECK (length(email) BETWEEN 3 AND 254),
    phone      text CONSTRAINT customers_phone_length CHECK (length(phone) BETWEEN 3 AND 40),
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, id),
    -- A booking with exactly these details joins the customer who has them; any other makes a
    -- customer of its own, so that nobody can write over somebody else by knowing an address.
    CONSTRAINT customers_details_key UNIQUE NULLS NOT DISTINCT (vendor_id, email, phone, name)
);

CREATE TABLE slots (
    vendor_id      uuid NOT NULL,
    id             uuid NOT NULL DEFAULT uuidv7(),
    provider_id    uuid NOT NULL,
    location_id    uuid NOT NULL,
    during         tstzrange NOT NULL,
    capacity       integer NOT NULL CONSTRAINT slots_capacity CHECK (capacity BETWEEN 1 AND 100000),
    price_amount   bigint,
    price_currency text,
    version        integer NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, id),
    -- IS TRUE: without it an unbounded range makes the whole test NULL, and NULL passes a CHECK.
    CONSTRAINT slots_during_form CHECK (
        (lower_inc(during) AND NOT upper_inc(during) AND isfinite(lower(during)) AND isfinite(upper(during))) IS TRUE),
    CONSTRAINT slots_price CHECK (
        (price_amount IS NULL AND price_currency IS NULL)
        OR (price_amount BETWEEN 0 AND 10000000000 AND price_currency ~ '^[A-Z]{3}$') IS TRUE),
    CONSTRAINT slots_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id),
    CONSTRAINT slots_location_fkey FOREIGN KEY (vendor_id, location_id) REFERENCES locations (vendor_id, id),
    -- Law 1: no two slots of a provider overlap.
    CONSTRAINT slots_no_overlap EXCLUDE USING gist (vendor_id WITH =, provider_id WITH =, during WITH &&),
    -- What law 3 refers to: a claim repeats its slot's shape, so the shape cannot change under it.
    CONSTRAINT slots_shape_key UNIQUE (vendor_id, id, provider_id, during, capacity)
);
CREATE INDEX slots_by_start ON slots (vendor_id, lower(during), id);
CREATE INDEX slots_by_provider_and_start ON slots (vendor_id, provider_id, lower(during));

CREATE TABLE bookings (
    vendor_id       uuid NOT NULL,
    id              uuid NOT NULL DEFAULT uuidv7(),
    kind            text NOT NULL DEFAULT 'appointment' CONSTRAINT bookings_kind CHECK (kind IN ('appointment', 'block')),
    status          text NOT NULL CONSTRAINT bookings_status CHECK (status IN (
                        'requested', 'held', 'confirmed', 'completed', 'no_show', 'cancelled', 'expired', 'declined')),
    occupying       boolean NOT NULL GENERATED ALWAYS AS
                        (status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')) STORED,
    quantity        integer NOT NULL CONSTRAINT bookings_quantity CHECK (quantity BETWEEN 1 AND 100000),
    claim_count     integer NOT NULL CONSTRAINT bookings_claim_count CHECK (claim_count BETWEEN 1 AND 1000),
    -- Law 5: while the booking occupies, this names its last claim, which names the one before it,
    -- and so on down to the first: all of them, or the transaction cannot commit.
    last_ordinal    integer GENERATED ALWAYS AS (CASE WHEN
                        status IN ('requested', 'held', 'confirmed', 'completed', 'no_show') THEN claim_count END) STORED,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    service_id      uuid,
    customer_id     uuid,
    -- What was booked, kept when a cancelled booking's claims are gone.
    slot_ids        uuid[] NOT NULL CONSTRAINT bookings_slot_ids CHECK (cardinality(slot_ids) = claim_count),
    during          tstzrange NOT NULL,
    price_amount    bigint,
    price_currency  text,
    hold_expires_at timestamptz,
    guests          integer CONSTRAINT bookings_guests CHECK (guests BETWEEN 0 AND 100000),
    channel         text CONSTRAINT bookings_channel_length CHECK (length(channel) BETWEEN 1 AND 100),
    notes           text CONSTRAINT bookings_notes_length CHECK (length(notes) <= 10000),
    internal_notes  text CONSTRAINT bookings_internal_notes_length CHECK (length(internal_notes) <= 10000),
    metadata        jsonb NOT NULL DEFAULT '{}' CONSTRAINT bookings_metadata CHECK (jsonb_typeof(metadata) = 'object'),
    token_version   integer NOT NULL DEFAULT 1,
    -- Also the sequence number of the booking's latest event.
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT bookings_during_form CHECK (
        (lower_inc(during) AND NOT upper_inc(during) AND isfinite(lower(during)) AND isfinite(upper(during))) IS TRUE),
    CONSTRAINT bookings_hold_expires CHECK (status <> 'held' OR hold_expires_at IS NOT NULL),
    CONSTRAINT bookings_price CHECK (
        (price_amount IS NULL AND price_currency IS NULL)
        OR (price_amount >= 0 AND price_currency ~ '^[A-Z]{3}$') IS TRUE),
    CONSTRAINT bookings_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id),
    CONSTRAINT bookings_location_fkey FOREIGN KEY (vendor_id, location_id) REFERENCES locations (vendor_id, id),
    CONSTRAINT bookings_service_fkey FOREIGN KEY (vendor_id, service_id) REFERENCES services (vendor_id, id),
    CONSTRAINT bookings_customer_fkey FOREIGN KEY (vendor_id, customer_id) REFERENCES customers (vendor_id, id),
    -- What law 4 refers to: a claim repeats these, so that none can change while it stands.
    CONSTRAINT bookings_claimed_key UNIQUE (vendor_id, id, occupying, quantity, claim_count)
);
CREATE INDEX bookings_lapsing ON bookings (vendor_id, hold_expires_at) WHERE status = 'held';

CREATE TABLE claims (
    vendor_id         uuid NOT NULL,
    booking_id        uuid NOT NULL,
    ordinal           integer NOT NULL,
    claim_count       integer NOT NULL,
    previous_ordinal  integer GENERATED ALWAYS AS (NULLIF(ordinal - 1, 0)) STORED,
    booking_occupying boolean NOT NULL DEFAULT true CONSTRAINT claims_booking_occupies CHECK (booking_occupying),
    quantity          integer NOT NULL,
    slot_id           uuid NOT NULL,
    provider_id       uuid NOT NULL,
    slot_during       tstzrange NOT NULL,
    slot_capacity     integer NOT NULL,
    during            tstzrange NOT NULL,
    units             int4multirange NOT NULL,
    PRIMARY KEY (vendor_id, booking_id, ordinal),
    CONSTRAINT claims_ordinal CHECK (ordinal BETWEEN 1 AND claim_count),
    CONSTRAINT claims_during_form CHECK (
        (lower_inc(during) AND NOT upper_inc(during) AND isfinite(lower(during)) AND isfinite(upper(during))) IS TRUE),
    -- Law 2: no unit is claimed twice at one time.
    CONSTRAINT claims_no_overlap EXCLUDE USING gist (vendor_id WITH =, provider_id WITH =, during WITH &&, units WITH &&),
    -- Law 3: a claim lies inside its slot, and within its capacity.
    CONSTRAINT claims_slot_fkey FOREIGN KEY (vendor_id, slot_id, provider_id, slot_during, slot_capacity)
        REFERENCES slots (vendor_id, id, provider_id, during, capacity),
    CONSTRAINT claims_inside_slot CHECK (during <@ slot_during),
    CONSTRAINT claims_within_capacity CHECK (NOT isempty(units) AND units <@ int4range(1, slot_capacity + 1)),
    -- Law 4: what does not occupy holds nothing; quantity n holds exactly n units in each claim.
    CONSTRAINT claims_booking_fkey FOREIGN KEY (vendor_id, booking_id, booking_occupying, quantity, claim_count)
        REFERENCES bookings (vendor_id, id, occupying, quantity, claim_count),
    CONSTRAINT claims_units_are_quantity CHECK (units_count(units) = quantity),
    -- Law 5, the chain: each claim needs the one before it. Deferred, since they arrive together.
    CONSTRAINT claims_previous_fkey FOREIGN KEY (vendor_id, booking_id, previous_ordinal)
        REFERENCES claims (vendor_id, booking_id, ordinal) DEFERRABLE INITIALLY DEFERRED
);
-- Deleting or reshaping a slot looks its claims up by slot.
CREATE INDEX claims_by_slot ON claims (vendor_id, slot_id);

-- Law 5, the anchor: an occupying booking needs its last claim.
ALTER TABLE bookings ADD CONSTRAINT bookings_last_claim_fkey FOREIGN KEY (vendor_id, id, last_ordinal)
    REFERENCES claims (vendor_id, booking_id, ordinal) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE events (
    vendor_id      uuid NOT NULL,
    booking_id     uuid NOT NULL,
    sequence       integer NOT NULL CONSTRAINT events_sequence CHECK (sequence >= 1),
    -- UUIDv7 is not commit order; a relay reads below the oldest running transaction instead.
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind           text NOT NULL CONSTRAINT events_kind CHECK (kind IN (
                       'requested', 'held', 'confirmed', 'completed', 'no_show', 'cancelled', 'expired', 'declined',
                       'changed')),
    actor          jsonb NOT NULL CONSTRAINT events_actor CHECK (jsonb_typeof(actor) = 'object'),
    request_id     text,
    -- {"field": {"from": …, "to": …}}; personal fields by name only.
    changes        jsonb NOT NULL CONSTRAINT events_changes CHECK (jsonb_typeof(changes) = 'object'),
    occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (vendor_id, booking_id, sequence),
    CONSTRAINT events_booking_fkey FOREIGN KEY (vendor_id, booking_id) REFERENCES bookings (vendor_id, id)
);
-- Law 6: history is append-only, for the owner too. ALWAYS: not even a session that plays replica
-- writes over it.
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_changed_history();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_changed_history();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_never_truncated;

CREATE TABLE idempotency_keys (
    vendor_id   uuid NOT NULL,
    key         text NOT NULL CONSTRAINT idempotency_keys_key_length CHECK (length(key) BETWEEN 16 AND 255),
    fingerprint bytea NOT NULL,
    -- Of a booking or block; NULL when the key belongs to another kind of request.
    booking_id  uuid,
    -- The ids of whatever else the request made, by kind: {"slot_ids": […]}.
    made        jsonb NOT NULL DEFAULT '{}' CONSTRAINT idempotency_keys_made CHECK (jsonb_typeof(made) = 'object'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, key),
    -- Deferred: the key is written first, so that a twin in flight waits before it takes any lock.
    CONSTRAINT idempotency_keys_booking_fkey FOREIGN KEY (vendor_id, booking_id)
        REFERENCES bookings (vendor_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (vendor_id, created_at);

CREATE TABLE api_keys (
    vendor_id    uuid NOT NULL REFERENCES vendors (id),
    id           uuid NOT NULL DEFAULT uuidv7(),
    name         text NOT NULL CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 200),
    -- SHA-256 of the key, which is random: nothing slower is needed. Unique across vendors because
    -- a key is looked up before its vendor is known.
    key_hash     bytea NOT NULL CONSTRAINT api_keys_hash_length CHECK (length(key_hash) = 32),
    -- The first characters, to tell keys apart in a list.
    prefix       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT api_keys_hash_key UNIQUE (key_hash)
);

-- What one booking takes of one slot, as the claim function sees it. free: units nobody has claimed
-- at any moment of `during`.
CREATE TYPE slot_part AS (
    ordinal        integer,
    slot_id        uuid,
    provider_id    uuid,
    location_id    uuid,
    slot_during    tstzrange,
    slot_capacity  integer,
    during         tstzrange,
    free           int4multirange,
    price_amount   bigint,
    price_currency text
);

-- Places of each slot that are free from its start to its end.
CREATE VIEW slot_availability WITH (security_invoker = true) AS
SELECT s.vendor_id, s.id AS slot_id, s.provider_id, s.location_id, s.during, s.capacity,
       s.capacity - units_count(COALESCE(taken.units, '{}')) AS available_count
FROM slots s
LEFT JOIN LATERAL (
    SELECT range_agg(c.units) AS units FROM claims c WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
) taken ON true;

-- One slot a publisher asks for. ordinal: its place in the request, from 1.
CREATE TYPE slot_wanted AS (
    ordinal        integer,
    id             uuid,
    location_id    uuid,
    starts         timestamptz,
    ends           timestamptz,
    capacity       integer,
    price_amount   bigint,
    price_currency text
);
