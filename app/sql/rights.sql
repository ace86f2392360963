-- What the application's role may do, table by table. The truth (slots, bookings, claims, events,
-- idempotency keys) it may read, and change through the functions alone.
-- (That PUBLIC may execute no new function is said before the first one is made.)
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO slotkeeper_app;

GRANT SELECT, INSERT, UPDATE ON vendors TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON locations TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON providers TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON services TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON service_needs TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON service_providers TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON schedules TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON schedule_exceptions TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON schedule_publishings TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON busy_times TO slotkeeper_app;
GRANT SELECT ON busy_blocks TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON customers TO slotkeeper_app;
GRANT SELECT, INSERT ON import_refs TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON api_keys TO slotkeeper_app;
GRANT SELECT, INSERT, UPDATE ON operator_keys TO slotkeeper_app;
GRANT SELECT ON slots TO slotkeeper_app;
GRANT SELECT ON bookings TO slotkeeper_app;
GRANT SELECT ON claims TO slotkeeper_app;
GRANT SELECT ON events TO slotkeeper_app;
GRANT SELECT ON idempotency_keys TO slotkeeper_app;
GRANT SELECT ON slot_availability TO slotkeeper_app;
GRANT SELECT ON alembic_version TO slotkeeper_app;

GRANT EXECUTE ON FUNCTION
    apply_schedules, lock_schedules,
    bookings_in_busy_time, close_begun_slot, close_busy_time, find_open_busy_time,
    availability_page, block_time, cancel_booking, change_booking, owners_writing, settled_until, claim_service_and_create_booking, claim_slot_and_create_booking, complete_booking, confirm_booking, delete_slot,
    describe_booking, erase_customer, expire_holds, forget_old_idempotency_keys, list_availability, list_customers, lock_slots_between, lock_slots_in, lock_slots_to_come, mark_no_show, publish_slots,
    remember_idempotency_key, renew_manage_token, resize_slot, search_times, slots_covering, unblock_time, verify_booking_slot_consistency,
    folded, is_open, legible, phone_digits, shown_time, units_count, utc, price_json, times_json, describe_slot
TO slotkeeper_app;
