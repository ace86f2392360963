-- What calendars need beside the door. Each part stands by itself; none rewrites a row of bookings or claims.

-- What a service asks for beside its duration. Whatever a service was before 0003, it stays: no buffers, no
-- notice, and a start at any minute.
ALTER TABLE services
    -- Occupied before and after the time shown, inside published time.
    ADD COLUMN buffer_before_minutes integer NOT NULL DEFAULT 0 CONSTRAINT services_buffer_before CHECK (buffer_before_minutes BETWEEN 0 AND 1440),
    ADD COLUMN buffer_after_minutes  integer NOT NULL DEFAULT 0 CONSTRAINT services_buffer_after CHECK (buffer_after_minutes BETWEEN 0 AND 1440),
    -- The public begins at whole steps from the beginning of a slot.
    ADD COLUMN start_step_minutes    integer NOT NULL DEFAULT 1 CONSTRAINT services_start_step CHECK (start_step_minutes BETWEEN 1 AND 1440),
    -- The public books at least so long before the start, and at most so many days; NULL: as far as slots go.
    ADD COLUMN notice_minutes        integer NOT NULL DEFAULT 0 CONSTRAINT services_notice CHECK (notice_minutes BETWEEN 0 AND 525600),
    ADD COLUMN window_days           integer CONSTRAINT services_window CHECK (window_days BETWEEN 1 AND 3650),
    ADD COLUMN quantity_min          integer NOT NULL DEFAULT 1 CONSTRAINT services_quantity_min CHECK (quantity_min BETWEEN 1 AND 100000),
    ADD COLUMN quantity_max          integer CONSTRAINT services_quantity_max CHECK (quantity_max BETWEEN 1 AND 100000),
    ADD CONSTRAINT services_quantities CHECK (quantity_max >= quantity_min),
    ADD CONSTRAINT services_buffers_need_duration CHECK (
        duration_minutes IS NOT NULL OR (buffer_before_minutes = 0 AND buffer_after_minutes = 0));
ALTER TABLE services ALTER COLUMN start_step_minutes SET DEFAULT 15;

-- Who does it. A service takes one provider for each of its needs, all at one time and place; without any
-- needs, any one provider of the vendor. The provider of need 1 is the booking's.
CREATE TABLE service_needs (
    vendor_id  uuid NOT NULL,
    service_id uuid NOT NULL,
    need       smallint NOT NULL CONSTRAINT service_needs_need CHECK (need BETWEEN 1 AND 10),
    role       text NOT NULL CONSTRAINT service_needs_role_length CHECK (length(role) BETWEEN 1 AND 100),
    PRIMARY KEY (vendor_id, service_id, need),
    CONSTRAINT service_needs_service_fkey FOREIGN KEY (vendor_id, service_id) REFERENCES services (vendor_id, id)
);
CREATE TABLE service_providers (
    vendor_id   uuid NOT NULL,
    service_id  uuid NOT NULL,
    provider_id uuid NOT NULL,
    need        smallint NOT NULL,
    -- Lower first; among equals the least busy of the day.
    preference  integer NOT NULL DEFAULT 1 CONSTRAINT service_providers_preference CHECK (preference BETWEEN 1 AND 1000),
    PRIMARY KEY (vendor_id, service_id, provider_id),
    CONSTRAINT service_providers_need_fkey FOREIGN KEY (vendor_id, service_id, need)
        REFERENCES service_needs (vendor_id, service_id, need),
    CONSTRAINT service_providers_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id)
);
CREATE INDEX service_providers_by_provider ON service_providers (vendor_id, provider_id);

-- A provider's weeks, in the local time of their place. What they give is expanded in one place, app/schedules/expand.py.
CREATE TABLE schedules (
    vendor_id      uuid NOT NULL,
    id             uuid NOT NULL DEFAULT uuidv7(),
    provider_id    uuid NOT NULL,
    -- NULL: wherever the provider usually is.
    location_id    uuid,
    -- Days at the place, both included; NULL: for good.
    valid_from     date NOT NULL,
    valid_until    date,
    -- {"monday": [["09:00", "12:00"], …], …}; an end that is not after its start is on the next day.
    weekly         json_record NOT NULL,
    -- NULL: one slot of each interval, however long.
    slot_minutes   integer CONSTRAINT schedules_slot_minutes CHECK (slot_minutes BETWEEN 5 AND 1440),
    gap_minutes    integer NOT NULL DEFAULT 0 CONSTRAINT schedules_gap_minutes CHECK (gap_minutes BETWEEN 0 AND 1440),
    capacity       place_count NOT NULL DEFAULT 1,
    price_amount   minor_units,
    price_currency currency_code,
    version        integer NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    archived_at    timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT schedules_price CHECK ((price_amount IS NULL) = (price_currency IS NULL) AND price_amount <= 10000000000),
    CONSTRAINT schedules_valid CHECK (valid_until >= valid_from),
    CONSTRAINT schedules_gap_needs_length CHECK (slot_minutes IS NOT NULL OR gap_minutes = 0),
    CONSTRAINT schedules_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id),
    CONSTRAINT schedules_location_fkey FOREIGN KEY (vendor_id, location_id) REFERENCES locations (vendor_id, id)
);
CREATE INDEX schedules_by_provider ON schedules (vendor_id, provider_id, id);

-- Days on which the weeks do not hold: no hours, further hours, or other ones.
CREATE TABLE schedule_exceptions (
    vendor_id   uuid NOT NULL,
    id          uuid NOT NULL DEFAULT uuidv7(),
    provider_id uuid NOT NULL,
    -- NULL: all of the provider's schedules.
    schedule_id uuid,
    starts_on   date NOT NULL,
    ends_on     date NOT NULL,
    kind        text NOT NULL CONSTRAINT schedule_exceptions_kind CHECK (kind IN ('closed', 'extra', 'other')),
    hours       jsonb NOT NULL DEFAULT '[]' CONSTRAINT schedule_exceptions_hours CHECK (jsonb_typeof(hours) = 'array'),
    reason      text CONSTRAINT schedule_exceptions_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT schedule_exceptions_days CHECK (ends_on >= starts_on),
    CONSTRAINT schedule_exceptions_closed CHECK ((kind = 'closed') = (hours = '[]')),
    CONSTRAINT schedule_exceptions_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id),
    CONSTRAINT schedule_exceptions_schedule_fkey FOREIGN KEY (vendor_id, schedule_id) REFERENCES schedules (vendor_id, id)
);
CREATE INDEX schedule_exceptions_by_provider ON schedule_exceptions (vendor_id, provider_id, id);

-- What was published last of a provider's schedules, so that whoever keeps them published need not look
-- again while nothing they come from has changed. inputs: SHA-256 of that.
CREATE TABLE schedule_publishings (
    vendor_id   uuid NOT NULL,
    provider_id uuid NOT NULL,
    inputs      bytea NOT NULL,
    looked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor_id, provider_id),
    CONSTRAINT schedule_publishings_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id)
);

-- Which schedule a slot came from; NULL: made, or changed, by hand, and then no schedule touches it.
ALTER TABLE slots ADD COLUMN schedule_id uuid,
    ADD CONSTRAINT slots_schedule_fkey FOREIGN KEY (vendor_id, schedule_id) REFERENCES schedules (vendor_id, id);

-- A slot that a schedule wants. whole: it is published as it is or not at all; otherwise what others stand in of its
-- time is cut out. (Of a slot that is there: NULL.)
CREATE TYPE scheduled_slot AS (
    schedule_id    uuid,
    location_id    uuid,
    during         tstzrange,
    capacity       integer,
    price_amount   bigint,
    price_currency text,
    whole          boolean
);
-- What is to become of a slot: from what it is at present (NULL: there is none yet) to what it shall be (NULL: gone).
-- in_the_way: its bookings keep it from being what is wanted.
CREATE TYPE scheduled_change AS (
    slot_id    uuid,
    present    scheduled_slot,
    claimed    boolean,
    in_the_way boolean,
    target     scheduled_slot
);
CREATE TYPE scheduled_plan AS (kept integer, changes scheduled_change[]);

-- Time in which a provider is not to be had, whatever is published then: their time off, and what a calendar of theirs says.
CREATE TABLE busy_times (
    vendor_id   uuid NOT NULL,
    id          uuid NOT NULL DEFAULT uuidv7(),
    provider_id uuid NOT NULL,
    during      time_range NOT NULL,
    reason      text CONSTRAINT busy_times_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
    source      text NOT NULL CONSTRAINT busy_times_source CHECK (source IN ('time_off', 'calendar')),
    -- Which calendar, by the vendor's name for it, and which of its events: SHA-256 of that, for a UID may name people.
    calendar    text CONSTRAINT busy_times_calendar_length CHECK (length(calendar) BETWEEN 1 AND 100),
    event       bytea CONSTRAINT busy_times_event_length CHECK (length(event) = 32),
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (vendor_id, id),
    CONSTRAINT busy_times_of_calendars CHECK (
        (calendar IS NOT NULL) = (source = 'calendar') AND (event IS NOT NULL) = (source = 'calendar')),
    CONSTRAINT busy_times_provider_fkey FOREIGN KEY (vendor_id, provider_id) REFERENCES providers (vendor_id, id)
);
CREATE INDEX busy_times_by_time ON busy_times USING gist (vendor_id, provider_id, during) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX busy_times_by_event ON busy_times (vendor_id, provider_id, calendar, event) WHERE archived_at IS NULL;
CREATE INDEX busy_times_by_provider ON busy_times (vendor_id, provider_id, lower(during), id);

-- Which blocks stand for busy time, each in one slot; the others are the vendor's own. A table of its own, so that
-- bookings know nothing of it. ends: of the block, which never moves.
CREATE TABLE busy_blocks (
    vendor_id    uuid NOT NULL,
    booking_id   uuid NOT NULL,
    busy_time_id uuid NOT NULL,
    provider_id  uuid NOT NULL,
    ends         timestamptz NOT NULL,
    PRIMARY KEY (vendor_id, booking_id),
    CONSTRAINT busy_blocks_booking_fkey FOREIGN KEY (vendor_id, booking_id) REFERENCES bookings (vendor_id, id),
    CONSTRAINT busy_blocks_busy_time_fkey FOREIGN KEY (vendor_id, busy_time_id) REFERENCES busy_times (vendor_id, id)
);
CREATE INDEX busy_blocks_by_end ON busy_blocks (vendor_id, provider_id, ends);

-- What a booking's claims take before and after the time shown. No domain: one with a rule would rewrite the table.
ALTER TABLE bookings
    ADD COLUMN buffer_before_minutes integer NOT NULL DEFAULT 0,
    ADD COLUMN buffer_after_minutes  integer NOT NULL DEFAULT 0;

-- Sales channels and the locations each may book, best first: {"web": ["…", "…"]}.
ALTER TABLE vendors ADD COLUMN channels json_record NOT NULL DEFAULT '{}';
-- Read with the rest of the vendor's row, so that a claim of the public needs no further look for them.
ALTER TYPE public_check ADD ATTRIBUTE channels jsonb;

-- Why it was cancelled, in the words of whoever did. May be personal: erased with the customer, never in history.
ALTER TABLE bookings ADD COLUMN cancellation_reason varchar(500);

-- Customers are looked for by what is legible of them (functions folded and phone_digits, in the same words): an
-- invisible character more, or a full-width letter, makes nobody somebody else.
DROP INDEX customers_by_email, customers_by_phone, customers_by_name;
CREATE INDEX customers_by_email ON customers (vendor_id, (
    casefold(normalize(regexp_replace(email, '[\u0001-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]', '', 'g'), NFKC) COLLATE "pg_unicode_fast") COLLATE "default"
) text_pattern_ops) WHERE email IS NOT NULL;
CREATE INDEX customers_by_name ON customers USING gin (vendor_id, (
    casefold(normalize(regexp_replace(name, '[\u0001-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]', '', 'g'), NFKC) COLLATE "pg_unicode_fast") COLLATE "default"
) gin_trgm_ops) WITH (gin_pending_list_limit = 256);
CREATE INDEX customers_by_phone ON customers (vendor_id, (
    regexp_replace(translate(normalize(phone, NFKC), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९', '012345678901234567890123456789'), '^[^0-9]*00|[^0-9]', '', 'g')
) text_pattern_ops) WHERE phone IS NOT NULL;

-- Dealing units again: no request that fits by head-count is refused because of who has which unit.
-- available: places of the part that are free at every moment of it. Counted only where the units free throughout are
-- fewer than asked for; otherwise their number.
ALTER TYPE slot_part ADD ATTRIBUTE available integer;
-- scattered: there are places enough, but in some part not on the same units from start to end.
ALTER TYPE slots_look ADD ATTRIBUTE scattered boolean;
-- A claim and the units it is to have; NULL: not dealt yet. Without a booking it is the part that somebody asks for.
CREATE TYPE dealt_claim AS (
    booking_id uuid,
    ordinal    integer,
    during     tstzrange,
    quantity   integer,
    units      int4multirange
);

-- Imports: what the rows of files are called there (column ref), so that another import of the same file finds the rows it
-- made. No key to the rows, which are of several tables; none of these is ever deleted.
CREATE TABLE import_refs (
    vendor_id uuid NOT NULL REFERENCES vendors (id),
    kind      text NOT NULL CONSTRAINT import_refs_kind CHECK (kind IN (
                  'locations', 'providers', 'services', 'schedules', 'exceptions', 'customers', 'bookings')),
    ref       text NOT NULL CONSTRAINT import_refs_ref_length CHECK (length(ref) BETWEEN 1 AND 200),
    row_id    uuid NOT NULL,
    PRIMARY KEY (vendor_id, kind, ref)
);
-- The schedule that a slot came from where it is imported from; NULL: made by hand.
ALTER TYPE slot_wanted ADD ATTRIBUTE schedule_id uuid;
-- An export writes what a row was called; an erasure forgets it.
CREATE INDEX import_refs_by_row ON import_refs (vendor_id, row_id);
