-- The tables of Slotkeeper and the six laws that PostgreSQL holds over them.
-- vendor_id comes first in every key: a distributed PostgreSQL asks for it, and one vendor's
-- data can then never be joined, by mistake, to another's. Slots and what hangs on them reach their
-- vendor through the provider; a key of their own to vendors would make every booking of a vendor
-- take a share lock on one and the same row.

-- Rules about one value are domains, not CHECKs of a table. They bind every writer alike, and
-- PostgreSQL reads a table's CHECKs anew for every statement but a domain's once a session: on
-- bookings and claims that is a quarter of an insert.
CREATE DOMAIN time_range AS tstzrange
    -- IS TRUE: without it an unbounded range makes the whole test NULL, and NULL passes a CHECK.
    CONSTRAINT time_range_form CHECK (
        (lower_inc(VALUE) AND NOT upper_inc(VALUE) AND isfinite(lower(VALUE)) AND isfinite(upper(VALUE))) IS TRUE);
CREATE DOMAIN place_count AS integer CONSTRAINT place_count_limits CHECK (VALUE BETWEEN 1 AND 100000);
CREATE DOMAIN booking_status AS text CONSTRAINT booking_status_known CHECK (VALUE IN (
    'requested', 'held', 'confirmed', 'completed', 'no_show', 'cancelled', 'expired', 'declined'));
CREATE DOMAIN booking_kind AS text CONSTRAINT booking_kind_known CHECK (VALUE IN ('appointment', 'block'));
CREATE DOMAIN event_kind AS text CONSTRAINT event_kind_known CHECK (VALUE IN (
    'requested', 'held', 'confirmed', 'completed', 'no_show', 'cancelled', 'expired', 'declined', 'changed'));
CREATE DOMAIN minor_units AS bigint CONSTRAINT minor_units_not_negative CHECK (VALUE >= 0);
CREATE DOMAIN currency_code AS text CONSTRAINT currency_code_form CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN json_record AS jsonb CONSTRAINT json_record_type CHECK (jsonb_typeof(VALUE) = 'object');

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
    price_amount     minor_units,
    price_currency   currency_code,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    archived_at      timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT services_price CHECK ((price_amount IS NULL) = (price_currency IS NULL) AND price_amount <= 10000000000)
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
    during         time_range NOT NULL,
    capacity       place_count NOT NULL,
    price_amount   minor_units,
    price_currency currency_code,
    version        integer NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT slots_price CHECK ((price_amount IS NULL) = (price_currency IS NULL) AND price_amount <= 10000000000),
    CONSTRAINT slots_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id),
    CONSTRAINT slots_location_fkey FOREIGN KEY (vendor_id, location_id) REFERENCES locations (vendor_id, id),
    -- Law 1: no two slots of a provider overlap.
    CONSTRAINT slots_no_overlap EXCLUDE USING gist (vendor_id WITH =, provider_id WITH =, during WITH &&),
    -- What law 3 refers to: a claim repeats its slot's shape, so the shape cannot change under it.
    CONSTRAINT slots_shape_key UNIQUE (vendor_id, id, provider_id, during, capacity)
);
-- A word to the planner, who takes each range for unique: that times do not select. Otherwise the check
-- of law 3's key searches slots_no_overlap, four times as long as slots_shape_key, at every claim.
ALTER TABLE slots ALTER COLUMN during SET (n_distinct = 1);
CREATE INDEX slots_by_start ON slots (vendor_id, lower(during), id);
CREATE INDEX slots_by_provider_and_start ON slots (vendor_id, provider_id, lower(during));

CREATE TABLE bookings (
    vendor_id       uuid NOT NULL,
    id              uuid NOT NULL DEFAULT uuidv7(),
    kind            booking_kind NOT NULL DEFAULT 'appointment',
    status          booking_status NOT NULL,
    occupying       boolean NOT NULL GENERATED ALWAYS AS (status NOT IN ('cancelled', 'expired', 'declined')) STORED,
    quantity        place_count NOT NULL,
    claim_count     place_count NOT NULL,
    -- Law 5: while the booking occupies, this names its last claim, which names the one before it,
    -- and so on down to the first: all of them, or the transaction cannot commit.
    last_ordinal    integer GENERATED ALWAYS AS (
                        CASE WHEN status NOT IN ('cancelled', 'expired', 'declined') THEN claim_count END) STORED,
    provider_id     uuid NOT NULL,
    location_id     uuid NOT NULL,
    service_id      uuid,
    customer_id     uuid,
    -- What was booked, kept when a cancelled booking's claims are gone.
    slot_ids        uuid[] NOT NULL CONSTRAINT bookings_slot_ids CHECK (cardinality(slot_ids) = claim_count),
    during          time_range NOT NULL,
    price_amount    minor_units,
    price_currency  currency_code,
    hold_expires_at timestamptz,
    guests          integer,
    channel         varchar(100),
    notes           varchar(10000),
    internal_notes  varchar(10000),
    metadata        json_record NOT NULL DEFAULT '{}',
    token_version   integer NOT NULL DEFAULT 1,
    -- Also the sequence number of the booking's latest event.
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT bookings_hold_expires CHECK (status <> 'held' OR hold_expires_at IS NOT NULL),
    CONSTRAINT bookings_price CHECK ((price_amount IS NULL) = (price_currency IS NULL)),
    -- No keys to providers and locations: they are the slot's, whose keys are checked, and nobody
    -- may delete either. Every booking of a place would share-lock the same two rows.
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
    during            time_range NOT NULL,
    units             int4multirange NOT NULL,
    PRIMARY KEY (vendor_id, booking_id, ordinal),
    CONSTRAINT claims_ordinal CHECK (ordinal <= claim_count),
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
    sequence       integer NOT NULL,
    -- UUIDv7 is not commit order; a relay reads below the oldest running transaction instead.
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind           event_kind NOT NULL,
    actor          json_record NOT NULL,
    request_id     text,
    -- {"field": {"from": …, "to": …}}; personal fields by name only.
    changes        json_record NOT NULL,
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
    made        json_record NOT NULL DEFAULT '{}',
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
    price_amount   minor_units,
    price_currency text
);

-- What a claim sees of all its slots at one moment. available: the least number of units free in a
-- part; lapsed: the held bookings past their time that are in the way, NULL when places are not short.
CREATE TYPE slots_look AS (
    parts     slot_part[],
    available integer,
    lapsed    uuid[]
);

-- One slot a publisher asks for, before anybody has checked it: no domains here, so that a bad value
-- is refused in words. ordinal: its place in the request, from 1.
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

-- A time that could be booked instead of the one wanted.
CREATE TYPE opening AS (
    slot_ids    uuid[],
    provider_id uuid,
    location_id uuid,
    during      tstzrange,
    available   integer
);
