-- What the door needs beside the core: who may call, what a vendor has set, and the customers' book.

-- What a vendor has set. Shown to everybody: whoever tries finds each of them out.
ALTER TABLE vendors
    -- Off: the public cannot book; the vendor's keys can.
    ADD COLUMN public_booking       boolean NOT NULL DEFAULT true,
    ADD COLUMN availability_numbers text NOT NULL DEFAULT 'exact'
        CONSTRAINT vendors_availability_numbers CHECK (availability_numbers IN ('exact', 'few_left', 'hidden')),
    -- How many open bookings a public caller may have by one mail address or telephone number; NULL: any number.
    ADD COLUMN open_bookings_max    integer CONSTRAINT vendors_open_bookings_max CHECK (open_bookings_max BETWEEN 1 AND 10000),
    ADD COLUMN hold_minutes         integer NOT NULL DEFAULT 10 CONSTRAINT vendors_hold_minutes CHECK (hold_minutes BETWEEN 1 AND 10080);

-- The customers' book.
ALTER TABLE customers
    -- The vendor's own remark, never shown to the customer.
    ADD COLUMN note      text CONSTRAINT customers_note_length CHECK (length(note) <= 10000),
    -- Since then the public cannot book with this mail address or telephone number.
    ADD COLUMN banned_at timestamptz,
    -- Since then nothing is known of the person; the row stays for the history of bookings.
    ADD COLUMN erased_at timestamptz;
-- The same rule as before, but that erased customers are all alike and none of them is joined again.
ALTER TABLE customers DROP CONSTRAINT customers_details_key;
CREATE UNIQUE INDEX customers_details_key ON customers (vendor_id, email, phone, name) NULLS NOT DISTINCT
    WHERE erased_at IS NULL;
-- Who has this address or number, however it was written; text_pattern_ops: also how it begins.
CREATE INDEX customers_by_email ON customers (vendor_id, lower(email) text_pattern_ops) WHERE email IS NOT NULL;
CREATE INDEX customers_by_phone ON customers (vendor_id, regexp_replace(phone, '^[^0-9]*00|[^0-9]', '', 'g') text_pattern_ops)
    WHERE phone IS NOT NULL;
-- A part of a name. A short pending list: whoever fills it sorts it in, and that is somebody's booking.
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX customers_by_name ON customers USING gin (vendor_id, lower(name) gin_trgm_ops) WITH (gin_pending_list_limit = 256);
-- A customer's bookings, to count them.
CREATE INDEX bookings_by_customer ON bookings (vendor_id, customer_id);
CREATE INDEX customers_banned ON customers (vendor_id, id) WHERE banned_at IS NOT NULL;
-- Whether the public may book, whether this person may (each a refusal or NULL), and the vendor's open_bookings_max.
CREATE TYPE public_check AS (closed jsonb, refusal jsonb, open_bookings_max integer);

-- Callers. A key made before there were scopes could do everything, and still can.
ALTER TABLE api_keys ADD COLUMN scope text NOT NULL DEFAULT 'admin'
    CONSTRAINT api_keys_scope_known CHECK (scope IN ('read', 'write', 'admin'));
-- From now on whoever makes a key says what it may do.
ALTER TABLE api_keys ALTER COLUMN scope DROP DEFAULT;
ALTER TABLE api_keys ADD COLUMN version integer NOT NULL DEFAULT 1;

-- Keys of those who run the installation: they make vendors. Not a vendor's, so a named exception to vendor_id.
CREATE TABLE operator_keys (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    name         text NOT NULL CONSTRAINT operator_keys_name_length CHECK (length(name) BETWEEN 1 AND 200),
    -- As of api_keys.
    key_hash     bytea NOT NULL CONSTRAINT operator_keys_hash_length CHECK (length(key_hash) = 32),
    prefix       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT operator_keys_hash_key UNIQUE (key_hash)
);
-- The idempotency keys of the operator's calls, which have no vendor, are kept under the nil UUID.
ALTER TABLE vendors ADD CONSTRAINT vendors_id_is_not_nil CHECK (id <> '00000000-0000-0000-0000-000000000000');

-- Bookings as a vendor lists them: by start, of one provider, by the last change.
CREATE INDEX bookings_by_start ON bookings (vendor_id, lower(during), id);
CREATE INDEX bookings_by_provider_and_start ON bookings (vendor_id, provider_id, lower(during), id);
CREATE INDEX bookings_by_change ON bookings (vendor_id, updated_at, id);
-- What has begun before a window and reaches into it: whatever is not long is near its beginning.
CREATE INDEX bookings_long ON bookings USING gist (vendor_id, during)
    WHERE upper(during) - lower(during) > interval '12 hours';
-- A vendor's blocks are few among its bookings.
CREATE INDEX bookings_blocks ON bookings (vendor_id, lower(during), id) WHERE kind = 'block';
-- When a row was written, not when its transaction began: whoever syncs waits for those that write (settled_until).
ALTER TABLE bookings ALTER COLUMN updated_at SET DEFAULT clock_timestamp();

-- What the last migration left, a line an object, so that the consistency check can tell what has been
-- altered by hand since (describe_schema, seal_schema). Not a vendor's: a named exception to vendor_id.
CREATE TABLE schema_seal (
    kind       text NOT NULL,
    name       text NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (kind, name)
);
