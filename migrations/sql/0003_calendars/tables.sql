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

-- What a booking's claims take before and after the time shown. No domain: one with a rule would rewrite the table.
ALTER TABLE bookings
    ADD COLUMN buffer_before_minutes integer NOT NULL DEFAULT 0,
    ADD COLUMN buffer_after_minutes  integer NOT NULL DEFAULT 0;

-- Sales channels and the locations each may book, best first: {"web": ["…", "…"]}.
ALTER TABLE vendors ADD COLUMN channels json_record NOT NULL DEFAULT '{}';

-- Why it was cancelled, in the words of whoever did. May be personal: erased with the customer, never in history.
ALTER TABLE bookings ADD COLUMN cancellation_reason varchar(500);
