-- Promise: all slots asked for are published, or with p_on_overlap 'skip' all that fit; otherwise
-- none, and the refusal names the offender by its place (from 0) in the request. One sorted INSERT:
-- two publishers of the same times cannot deadlock. What lies in the provider's busy time is blocked before anybody sees it.
-- Locks, in order: idempotency key; the provider's schedules, shared; new slots by provider and time (waits for a rival publisher).
-- Raises: SK001, 57014. Refusals are returned.
CREATE OR REPLACE FUNCTION publish_slots(
    p_vendor_id uuid, p_provider_id uuid, p_slots jsonb, p_on_overlap text DEFAULT 'refuse',
    p_idempotency_key text DEFAULT NULL, p_fingerprint bytea DEFAULT NULL, p_actor jsonb DEFAULT '{}'
) RETURNS TABLE (outcome text, slot_ids uuid[], replayed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_provider providers;
    v_wanted   slot_wanted[];
    v_refusal  jsonb;
    v_key      record;
    v_ids      uuid[];
    v_new      uuid[];
BEGIN
    IF p_vendor_id IS NULL OR p_provider_id IS NULL OR jsonb_typeof(p_slots) IS DISTINCT FROM 'array'
       OR p_on_overlap IS NULL OR p_on_overlap NOT IN ('refuse', 'skip') THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001',
            MESSAGE = 'p_vendor_id, p_provider_id, p_slots (an array) and p_on_overlap (refuse or skip) are needed';
    END IF;
    SELECT p.* INTO v_provider FROM providers p
    WHERE p.vendor_id = p_vendor_id AND p.id = p_provider_id AND p.archived_at IS NULL;
    v_wanted := slots_wanted(p_slots, v_provider.location_id);
    v_refusal := check_slots_wanted(p_vendor_id, v_provider, p_provider_id, v_wanted);
    IF v_refusal IS NULL THEN
        v_ids := ARRAY(SELECT w.id FROM unnest(v_wanted) AS w ORDER BY w.ordinal);
        IF p_idempotency_key IS NOT NULL THEN
            SELECT k.* INTO v_key FROM remember_idempotency_key(
                p_vendor_id, p_idempotency_key, p_fingerprint, jsonb_build_object('slot_ids', to_jsonb(v_ids))) AS k;
            IF v_key.outcome <> 'NEW' THEN
                RETURN QUERY SELECT CASE v_key.outcome WHEN 'REPLAY' THEN 'PUBLISHED' ELSE v_key.outcome END,
                    ARRAY(SELECT jsonb_array_elements_text(v_key.made -> 'slot_ids')::uuid),
                    v_key.outcome = 'REPLAY', '{}'::jsonb;
                RETURN;
            END IF;
        END IF;
        PERFORM lock_busy_times(p_vendor_id, p_provider_id);
        BEGIN
            v_new := insert_slots(p_vendor_id, p_provider_id, v_wanted);
            IF cardinality(v_new) < cardinality(v_ids) AND p_on_overlap = 'refuse' THEN
                RAISE SQLSTATE 'SK002';
            END IF;
        EXCEPTION WHEN SQLSTATE 'SK002' THEN
            v_refusal := name_slot_overlap(p_vendor_id, p_provider_id, v_wanted);
        END;
    END IF;
    IF v_refusal IS NOT NULL THEN
        IF v_ids IS NOT NULL AND p_idempotency_key IS NOT NULL THEN
            DELETE FROM idempotency_keys k WHERE k.vendor_id = p_vendor_id AND k.key = p_idempotency_key;
        END IF;
        RETURN QUERY SELECT v_refusal ->> 'outcome', '{}'::uuid[], false, v_refusal -> 'facts';
        RETURN;
    END IF;
    PERFORM put_busy_blocks(p_vendor_id, p_provider_id, v_new, p_actor);
    IF p_idempotency_key IS NOT NULL AND cardinality(v_new) < cardinality(v_ids) THEN
        UPDATE idempotency_keys k SET made = jsonb_build_object('slot_ids', to_jsonb(v_new))
        WHERE k.vendor_id = p_vendor_id AND k.key = p_idempotency_key;
    END IF;
    RETURN QUERY SELECT 'PUBLISHED', v_new, false, jsonb_build_object(
        'published', cardinality(v_new), 'skipped', cardinality(v_ids) - cardinality(v_new));
END
$$;
