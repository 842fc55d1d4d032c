-- What the ledger does, on PostgreSQL: one function for each operation, so that an operation is ONE statement and ONE round trip.
--
-- Why not the ORM: written with it, an operation is six to eight round trips and reaches a quarter of this speed
-- (docs/experiments-ledger.md). SQLite has the same operations in sqlite.sql; the same tests run on both.
--
-- Each function goes the same way:
--   1. lock the organisation's account row: from here on this organisation's writers are in single file, and no other's wait;
--   2. look for the key: READ COMMITTED gives each statement a fresh snapshot, so a transfer that the previous holder of the
--      lock made is seen, and the unique index is never run into;
--   3. decide; a refusal is an answer, not an exception, so that it leaves the caller's transaction usable;
--   4. write lots, hold, transfer, account.
-- Plans are made once for each connection, maybe while the tables are small, and kept while they grow: so scans of a whole table (and in
-- batches, joins that need one) are turned off here.
--
-- Everything here can be installed again at any time. A change needs a migration that does so (`installation.install_functions`).

DO $$
BEGIN
    IF to_regtype('ledger_answer') IS NULL THEN
        CREATE TYPE ledger_answer AS (
            outcome text,       -- done, replayed, or what was refused
            transfer_id uuid,
            subject_id uuid,    -- the hold or the lot that it is about
            credits bigint,
            available bigint,   -- after it; for a refusal, what there is
            state text          -- of the hold
        );
    END IF;
END;
$$;


-- The answer that a key was given before, if the request is the same.
CREATE OR REPLACE FUNCTION ledger_replay(t ledger_transfer, p_request bytea) RETURNS ledger_answer
LANGUAGE plpgsql AS $$
DECLARE
    answer ledger_answer;
BEGIN
    answer.outcome := CASE WHEN t.request_hash = p_request THEN 'replayed' ELSE 'key_reused' END;
    answer.transfer_id := t.id;
    answer.subject_id := coalesce(t.hold_id, (t.lots -> 0 ->> 0)::uuid);
    answer.credits := t.credits;
    answer.available := t.available_after;
    RETURN answer;
END;
$$;


-- Without an account, an organisation is either unknown or has never had a credit.
CREATE OR REPLACE FUNCTION ledger_without_account(p_organisation uuid, p_otherwise text, p_credits bigint) RETURNS ledger_answer
LANGUAGE plpgsql AS $$
DECLARE
    answer ledger_answer;
BEGIN
    answer.outcome := CASE
        WHEN EXISTS (SELECT FROM orgs_organisation WHERE id = p_organisation) THEN p_otherwise ELSE 'no_organisation'
    END;
    answer.credits := p_credits;
    answer.available := 0;
    RETURN answer;
END;
$$;


-- The hash of a transfer: SHA-256 over the previous hash and the canonical form. chain.py has the same in Python; a test compares.
-- STABLE and not IMMUTABLE, though it is: only so may PostgreSQL write its body into the caller instead of calling it.
-- The free texts come last, each after its length: no two different rows have the same form.
CREATE OR REPLACE FUNCTION ledger_transfer_hash(
    p_previous bytea, p_organisation uuid, p_seq bigint, p_id uuid, p_at timestamptz, p_kind text, p_source text, p_target text,
    p_credits bigint, p_request bytea, p_hold uuid, p_lots jsonb, p_available bigint, p_held bigint, p_spent bigint,
    p_key text, p_reference text, p_reason text
) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(p_previous || convert_to(concat_ws('|',
        'v1', p_organisation, p_seq, p_id, (extract(epoch FROM p_at) * 1000000)::bigint, p_kind, p_source, p_target, p_credits,
        encode(p_request, 'hex'), coalesce(p_hold::text, '-'), p_lots, p_available, p_held, p_spent,
        char_length(p_key), p_key, char_length(p_reference), p_reference, char_length(p_reason), p_reason
    ), 'UTF8'))
$$;


-- Writes the transfer and moves the account to it. The caller has `a` locked and has found that the key is new.
CREATE OR REPLACE FUNCTION ledger_record(
    a ledger_account, p_id uuid, p_kind text, p_source text, p_target text, p_credits bigint, p_key text, p_request bytea,
    p_reference text, p_reason text, p_hold uuid, p_lots jsonb, p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql AS $$
DECLARE
    answer ledger_answer;
BEGIN
    CASE p_source
        WHEN 'available' THEN a.available := a.available - p_credits;
        WHEN 'held' THEN a.held := a.held - p_credits;
        WHEN 'spent' THEN a.spent := a.spent - p_credits;
        ELSE a.granted := a.granted + p_credits;
    END CASE;
    CASE p_target
        WHEN 'available' THEN a.available := a.available + p_credits;
        WHEN 'held' THEN a.held := a.held + p_credits;
        WHEN 'spent' THEN a.spent := a.spent + p_credits;
        ELSE a.withdrawn := a.withdrawn + p_credits;
    END CASE;
    a.last_seq := a.last_seq + 1;
    -- Clocks of different machines disagree; within an organisation time never runs backwards, so that a past balance is well defined.
    a.last_at := greatest(a.last_at, p_now);
    a.last_hash := ledger_transfer_hash(
        a.last_hash, a.organisation_id, a.last_seq, p_id, a.last_at, p_kind, p_source, p_target, p_credits, p_request, p_hold, p_lots,
        a.available, a.held, a.spent, p_key, p_reference, p_reason
    );
    INSERT INTO ledger_transfer (
        id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, reference, reason, hold_id, lots,
        available_after, held_after, spent_after, hash
    ) VALUES (
        p_id, a.organisation_id, a.last_seq, a.last_at, p_kind, p_source, p_target, p_credits, p_key, p_request, p_reference, p_reason,
        p_hold, p_lots, a.available, a.held, a.spent, a.last_hash
    );
    UPDATE ledger_account SET
        available = a.available, held = a.held, spent = a.spent, granted = a.granted, withdrawn = a.withdrawn,
        last_seq = a.last_seq, last_at = a.last_at, last_hash = a.last_hash
    WHERE organisation_id = a.organisation_id;
    answer.outcome := 'done';
    answer.transfer_id := p_id;
    answer.subject_id := coalesce(p_hold, (p_lots -> 0 ->> 0)::uuid);
    answer.credits := p_credits;
    answer.available := a.available;
    RETURN answer;
END;
$$;


-- Moves credits from unspent to held in the open lots, in spending order, and says which.
CREATE OR REPLACE FUNCTION ledger_draw(p_organisation uuid, p_credits bigint) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_lot uuid;
    v_open record;
    v_missing bigint := p_credits;
    v_take bigint;
    v_drawn jsonb := '[]';
BEGIN
    -- Nearly always the first open lot is enough.
    UPDATE ledger_lot SET unspent = unspent - p_credits, held = held + p_credits, is_open = unspent > p_credits
    WHERE id = (
        SELECT id FROM ledger_lot WHERE organisation_id = p_organisation AND is_open ORDER BY rank, seq LIMIT 1
    ) AND unspent >= p_credits
    RETURNING id INTO v_lot;
    IF FOUND THEN
        RETURN jsonb_build_array(jsonb_build_array(v_lot, p_credits));
    END IF;
    FOR v_open IN
        SELECT id, unspent FROM ledger_lot WHERE organisation_id = p_organisation AND is_open ORDER BY rank, seq
    LOOP
        v_take := least(v_open.unspent, v_missing);
        UPDATE ledger_lot SET unspent = unspent - v_take, held = held + v_take, is_open = unspent > v_take WHERE id = v_open.id;
        v_drawn := v_drawn || jsonb_build_array(jsonb_build_array(v_open.id, v_take));
        v_missing := v_missing - v_take;
        EXIT WHEN v_missing = 0;
    END LOOP;
    IF v_missing > 0 THEN
        RAISE EXCEPTION 'ledger: the lots of organisation % have fewer unspent credits than its account says', p_organisation;
    END IF;
    RETURN v_drawn;
END;
$$;


CREATE OR REPLACE FUNCTION ledger_grant(
    p_organisation uuid, p_id uuid, p_credits bigint, p_source text, p_rank smallint, p_price_cents bigint, p_price_currency text,
    p_price_book text, p_key text, p_request bytea, p_reference text, p_reason text, p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    answer ledger_answer;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO ledger_account
            SELECT id, 0, 0, 0, 0, 0, 0, p_now, decode(repeat('00', 32), 'hex') FROM orgs_organisation WHERE id = p_organisation
            ON CONFLICT DO NOTHING;
        SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            answer.outcome := 'no_organisation';
            RETURN answer;
        END IF;
    END IF;
    SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_key;
    IF FOUND THEN
        RETURN ledger_replay(t, p_request);
    END IF;
    INSERT INTO ledger_lot VALUES (
        p_id, p_organisation, p_source, p_rank, a.last_seq + 1, p_credits, p_credits, 0, 0, 0, true, p_price_cents, p_price_currency,
        p_price_book, p_reference, p_reason, greatest(a.last_at, p_now)
    );
    RETURN ledger_record(
        a, p_id, 'grant', p_source, 'available', p_credits, p_key, p_request, p_reference, p_reason, NULL,
        jsonb_build_array(jsonb_build_array(p_id, p_credits)), p_now
    );
END;
$$;


CREATE OR REPLACE FUNCTION ledger_withdraw(
    p_organisation uuid, p_id uuid, p_lot uuid, p_credits bigint, p_key text, p_request bytea, p_reference text, p_reason text,
    p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    l ledger_lot;
    answer ledger_answer;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN ledger_without_account(p_organisation, 'no_lot', p_credits);
    END IF;
    SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_key;
    IF FOUND THEN
        RETURN ledger_replay(t, p_request);
    END IF;
    SELECT * INTO l FROM ledger_lot WHERE id = p_lot AND organisation_id = p_organisation;
    IF NOT FOUND THEN
        answer.outcome := 'no_lot';
        RETURN answer;
    END IF;
    IF l.unspent < p_credits THEN
        answer.outcome := 'lot_insufficient';
        answer.credits := p_credits;
        answer.available := l.unspent;
        RETURN answer;
    END IF;
    UPDATE ledger_lot SET unspent = unspent - p_credits, withdrawn = withdrawn + p_credits, is_open = unspent > p_credits
    WHERE id = p_lot;
    RETURN ledger_record(
        a, p_id, 'withdrawal', 'available', 'withdrawn', p_credits, p_key, p_request, p_reference, p_reason, NULL,
        jsonb_build_array(jsonb_build_array(p_lot, p_credits)), p_now
    );
END;
$$;


CREATE OR REPLACE FUNCTION ledger_place_hold(
    p_organisation uuid, p_id uuid, p_credits bigint, p_key text, p_request bytea, p_reference text, p_reason text,
    p_deadline_at timestamptz, p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    answer ledger_answer;
    v_lots jsonb;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN ledger_without_account(p_organisation, 'insufficient', p_credits);
    END IF;
    SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_key;
    IF FOUND THEN
        RETURN ledger_replay(t, p_request);
    END IF;
    IF a.available < p_credits THEN
        answer.outcome := 'insufficient';
        answer.credits := p_credits;
        answer.available := a.available;
        RETURN answer;
    END IF;
    v_lots := ledger_draw(p_organisation, p_credits);
    INSERT INTO ledger_hold VALUES (
        p_id, p_organisation, p_credits, v_lots, 'held', p_reference, greatest(a.last_at, p_now), p_deadline_at, NULL
    );
    RETURN ledger_record(
        a, p_id, 'hold', 'available', 'held', p_credits, p_key, p_request, p_reference, p_reason, p_id, v_lots, p_now
    );
END;
$$;


-- Why a hold could not be moved on. A capture that comes after a release is kept for an operator.
CREATE OR REPLACE FUNCTION ledger_why_not_resolved(
    a ledger_account, p_hold uuid, p_kind text, p_key text, p_reason text, p_from text, p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql AS $$
DECLARE
    h ledger_hold;
    answer ledger_answer;
BEGIN
    SELECT * INTO h FROM ledger_hold WHERE id = p_hold AND organisation_id = a.organisation_id;
    IF NOT FOUND THEN
        answer.outcome := 'no_hold';
        RETURN answer;
    END IF;
    answer.credits := h.credits;
    answer.state := h.state;
    IF h.state = p_from THEN
        answer.outcome := 'extended';
        RETURN answer;
    END IF;
    IF p_kind = 'capture' AND h.state = 'released' THEN
        INSERT INTO ledger_late_capture VALUES (p_hold, a.organisation_id, p_key, p_reason, greatest(a.last_at, p_now))
        ON CONFLICT DO NOTHING;
    END IF;
    answer.outcome := 'wrong_state';
    RETURN answer;
END;
$$;


-- Capture, release and credit refund: the hold moves on, and so do the credits of the lots that it pins.
-- `p_expired_at` is for the sweep: the hold is released only if its deadline has passed by then and nobody has extended it since.
CREATE OR REPLACE FUNCTION ledger_resolve_hold(
    p_organisation uuid, p_id uuid, p_hold uuid, p_kind text, p_key text, p_request bytea, p_reason text, p_expired_at timestamptz,
    p_now timestamptz
) RETURNS ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    h ledger_hold;
    v_from text := CASE p_kind WHEN 'credit_refund' THEN 'captured' ELSE 'held' END;
    v_to text := CASE p_kind WHEN 'capture' THEN 'captured' WHEN 'release' THEN 'released' ELSE 'refunded' END;
    v_source text := CASE p_kind WHEN 'credit_refund' THEN 'spent' ELSE 'held' END;
    v_target text := CASE p_kind WHEN 'capture' THEN 'spent' ELSE 'available' END;
    v_lot uuid;
    v_credits bigint;
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN ledger_without_account(p_organisation, 'no_hold', NULL);
    END IF;
    SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_key;
    IF FOUND THEN
        RETURN ledger_replay(t, p_request);
    END IF;
    -- The compare-and-swap: whoever finds the hold where the operation needs it, moves it.
    UPDATE ledger_hold SET state = v_to, resolved_at = greatest(a.last_at, p_now)
    WHERE id = p_hold AND organisation_id = p_organisation AND state = v_from
        AND (p_expired_at IS NULL OR deadline_at <= p_expired_at)
    RETURNING * INTO h;
    IF NOT FOUND THEN
        RETURN ledger_why_not_resolved(a, p_hold, p_kind, p_key, p_reason, v_from, p_now);
    END IF;
    FOR i IN 0 .. jsonb_array_length(h.lots) - 1 LOOP
        v_lot := (h.lots -> i ->> 0)::uuid;
        v_credits := (h.lots -> i ->> 1)::bigint;
        CASE p_kind
            WHEN 'capture' THEN
                UPDATE ledger_lot SET held = held - v_credits, spent = spent + v_credits WHERE id = v_lot;
            WHEN 'release' THEN
                UPDATE ledger_lot SET held = held - v_credits, unspent = unspent + v_credits, is_open = true WHERE id = v_lot;
            WHEN 'credit_refund' THEN
                UPDATE ledger_lot SET spent = spent - v_credits, unspent = unspent + v_credits, is_open = true WHERE id = v_lot;
        END CASE;
    END LOOP;
    RETURN ledger_record(
        a, p_id, p_kind, v_source, v_target, h.credits, p_key, p_request, h.reference, p_reason, p_hold, h.lots, p_now
    );
END;
$$;


-- A later deadline for a hold that is still held. Moves no credit, so it makes no transfer and needs no key.
CREATE OR REPLACE FUNCTION ledger_extend_hold(p_organisation uuid, p_hold uuid, p_deadline_at timestamptz) RETURNS ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    h ledger_hold;
    answer ledger_answer;
BEGIN
    PERFORM FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    SELECT * INTO h FROM ledger_hold WHERE id = p_hold AND organisation_id = p_organisation;
    IF NOT FOUND THEN
        RETURN ledger_without_account(p_organisation, 'no_hold', NULL);
    END IF;
    answer.subject_id := p_hold;
    answer.credits := h.credits;
    answer.state := h.state;
    answer.outcome := CASE h.state WHEN 'held' THEN 'done' ELSE 'wrong_state' END;
    IF h.state = 'held' AND h.deadline_at < p_deadline_at THEN
        UPDATE ledger_hold SET deadline_at = p_deadline_at WHERE id = p_hold;
    END IF;
    RETURN answer;
END;
$$;


-- Which of these keys were used. OFFSET 0 makes it one look-up in the unique index for each: planned as a whole, and while the planner
-- still believes the organisation to be small, it would read all the organisation's transfers instead.
CREATE OR REPLACE FUNCTION ledger_known_keys(p_organisation uuid, p_keys text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY(
        SELECT asked.key FROM unnest(p_keys) AS asked (key), LATERAL (
            SELECT FROM ledger_transfer AS t WHERE t.organisation_id = p_organisation AND t.key = asked.key OFFSET 0
        ) AS used
    );
END;
$$;


-- Many holds of one organisation: the lock, the account and each lot are written once, the rows in bulk. Answers come in the order
-- of the requests, each as if it had been asked alone after those before it. Keys differ (the caller has seen to that).
CREATE OR REPLACE FUNCTION ledger_place_holds(
    p_organisation uuid, p_ids uuid[], p_credits bigint[], p_keys text[], p_requests bytea[], p_references text[], p_reasons text[],
    p_deadlines timestamptz[], p_now timestamptz
) RETURNS SETOF ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    answer ledger_answer;
    v_count integer := cardinality(p_ids);
    v_known text[];
    v_open refcursor;
    v_lot uuid;
    v_unspent bigint := 0;
    v_drawn bigint := 0;
    v_missing bigint;
    v_take bigint;
    v_lots jsonb;
    v_done boolean[] := array_fill(false, ARRAY[v_count]);
    v_seqs bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_pins jsonb[] := array_fill(NULL::jsonb, ARRAY[v_count]);
    v_availables bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_helds bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_hashes bytea[] := array_fill(NULL::bytea, ARRAY[v_count]);
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        FOR i IN 1 .. v_count LOOP
            RETURN NEXT ledger_without_account(p_organisation, 'insufficient', p_credits[i]);
        END LOOP;
        RETURN;
    END IF;
    v_known := ledger_known_keys(p_organisation, p_keys);
    OPEN v_open FOR SELECT id, unspent FROM ledger_lot WHERE organisation_id = p_organisation AND is_open ORDER BY rank, seq;
    a.last_at := greatest(a.last_at, p_now);
    FOR i IN 1 .. v_count LOOP
        IF cardinality(v_known) > 0 AND p_keys[i] = ANY (v_known) THEN
            SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_keys[i];
            RETURN NEXT ledger_replay(t, p_requests[i]);
            CONTINUE;
        END IF;
        IF a.available < p_credits[i] THEN
            answer := NULL;
            answer.outcome := 'insufficient';
            answer.credits := p_credits[i];
            answer.available := a.available;
            RETURN NEXT answer;
            CONTINUE;
        END IF;
        v_lots := '[]';
        v_missing := p_credits[i];
        LOOP
            IF v_unspent = 0 THEN
                IF v_drawn > 0 THEN
                    UPDATE ledger_lot SET unspent = unspent - v_drawn, held = held + v_drawn, is_open = unspent > v_drawn
                    WHERE id = v_lot;
                    v_drawn := 0;
                END IF;
                FETCH v_open INTO v_lot, v_unspent;
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'ledger: the lots of organisation % have fewer unspent credits than its account says',
                        p_organisation;
                END IF;
            END IF;
            v_take := least(v_unspent, v_missing);
            v_unspent := v_unspent - v_take;
            v_drawn := v_drawn + v_take;
            v_missing := v_missing - v_take;
            v_lots := v_lots || jsonb_build_array(jsonb_build_array(v_lot, v_take));
            EXIT WHEN v_missing = 0;
        END LOOP;
        a.available := a.available - p_credits[i];
        a.held := a.held + p_credits[i];
        a.last_seq := a.last_seq + 1;
        a.last_hash := ledger_transfer_hash(
            a.last_hash, p_organisation, a.last_seq, p_ids[i], a.last_at, 'hold', 'available', 'held', p_credits[i], p_requests[i],
            p_ids[i], v_lots, a.available, a.held, a.spent, p_keys[i], p_references[i], p_reasons[i]
        );
        v_done[i] := true;
        v_seqs[i] := a.last_seq;
        v_pins[i] := v_lots;
        v_availables[i] := a.available;
        v_helds[i] := a.held;
        v_hashes[i] := a.last_hash;
        answer := ('done', p_ids[i], p_ids[i], p_credits[i], a.available, 'held');
        RETURN NEXT answer;
    END LOOP;
    CLOSE v_open;
    IF v_drawn > 0 THEN
        UPDATE ledger_lot SET unspent = unspent - v_drawn, held = held + v_drawn, is_open = unspent > v_drawn WHERE id = v_lot;
    END IF;
    INSERT INTO ledger_hold
        SELECT id, p_organisation, credits, pins, 'held', reference, a.last_at, deadline_at, NULL
        FROM unnest(v_done, p_ids, p_credits, v_pins, p_references, p_deadlines)
            AS made (done, id, credits, pins, reference, deadline_at)
        WHERE done;
    INSERT INTO ledger_transfer (
        id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, reference, reason, hold_id, lots,
        available_after, held_after, spent_after, hash
    )
        SELECT id, p_organisation, seq, a.last_at, 'hold', 'available', 'held', credits, key, request, reference, reason, id, pins,
            available, held, a.spent, hash
        FROM unnest(v_done, p_ids, v_seqs, p_credits, p_keys, p_requests, p_references, p_reasons, v_pins, v_availables, v_helds,
            v_hashes) AS made (done, id, seq, credits, key, request, reference, reason, pins, available, held, hash)
        WHERE done;
    UPDATE ledger_account SET
        available = a.available, held = a.held, last_seq = a.last_seq, last_at = a.last_at, last_hash = a.last_hash
    WHERE organisation_id = p_organisation AND last_seq <> a.last_seq;
END;
$$;


-- Many captures for one organisation, in the same way. Keys differ (the caller has seen to that); holds may not.
CREATE OR REPLACE FUNCTION ledger_captures(
    p_organisation uuid, p_ids uuid[], p_holds uuid[], p_keys text[], p_requests bytea[], p_reasons text[], p_now timestamptz
) RETURNS SETOF ledger_answer
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    a ledger_account;
    t ledger_transfer;
    r record;
    answer ledger_answer;
    v_count integer := cardinality(p_ids);
    v_known text[];
    v_has_repeats boolean := (SELECT count(DISTINCT hold) FROM unnest(p_holds) AS hold) < v_count;
    v_done boolean[] := array_fill(false, ARRAY[v_count]);
    v_seqs bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_credits bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_references text[] := array_fill(''::text, ARRAY[v_count]);
    v_pins jsonb[] := array_fill(NULL::jsonb, ARRAY[v_count]);
    v_helds bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_spents bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_hashes bytea[] := array_fill(NULL::bytea, ARRAY[v_count]);
BEGIN
    SELECT * INTO a FROM ledger_account WHERE organisation_id = p_organisation FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        FOR i IN 1 .. v_count LOOP
            RETURN NEXT ledger_without_account(p_organisation, 'no_hold', NULL);
        END LOOP;
        RETURN;
    END IF;
    v_known := ledger_known_keys(p_organisation, p_keys);
    a.last_at := greatest(a.last_at, p_now);
    FOR r IN
        SELECT asked.n::integer AS i, h.credits, h.reference, h.lots, h.state
        FROM unnest(p_holds) WITH ORDINALITY AS asked (hold, n)
        LEFT JOIN ledger_hold AS h ON h.id = asked.hold AND h.organisation_id = p_organisation
        ORDER BY asked.n
    LOOP
        IF cardinality(v_known) > 0 AND p_keys[r.i] = ANY (v_known) THEN
            SELECT * INTO t FROM ledger_transfer WHERE organisation_id = p_organisation AND key = p_keys[r.i];
            RETURN NEXT ledger_replay(t, p_requests[r.i]);
            CONTINUE;
        END IF;
        answer := NULL;
        IF r.state IS NULL THEN
            answer.outcome := 'no_hold';
            RETURN NEXT answer;
            CONTINUE;
        END IF;
        answer.credits := r.credits;
        IF v_has_repeats AND r.state = 'held' AND EXISTS (
            SELECT FROM unnest(v_done, p_holds) AS before (done, hold) WHERE done AND hold = p_holds[r.i]
        ) THEN
            r.state := 'captured';
        END IF;
        IF r.state <> 'held' THEN
            IF r.state = 'released' THEN
                INSERT INTO ledger_late_capture VALUES (p_holds[r.i], p_organisation, p_keys[r.i], p_reasons[r.i], a.last_at)
                ON CONFLICT DO NOTHING;
            END IF;
            answer.outcome := 'wrong_state';
            answer.state := r.state;
            RETURN NEXT answer;
            CONTINUE;
        END IF;
        a.held := a.held - r.credits;
        a.spent := a.spent + r.credits;
        a.last_seq := a.last_seq + 1;
        a.last_hash := ledger_transfer_hash(
            a.last_hash, p_organisation, a.last_seq, p_ids[r.i], a.last_at, 'capture', 'held', 'spent', r.credits, p_requests[r.i],
            p_holds[r.i], r.lots, a.available, a.held, a.spent, p_keys[r.i], r.reference, p_reasons[r.i]
        );
        v_done[r.i] := true;
        v_seqs[r.i] := a.last_seq;
        v_credits[r.i] := r.credits;
        v_references[r.i] := r.reference;
        v_pins[r.i] := r.lots;
        v_helds[r.i] := a.held;
        v_spents[r.i] := a.spent;
        v_hashes[r.i] := a.last_hash;
        answer := ('done', p_ids[r.i], p_holds[r.i], r.credits, a.available, 'captured');
        RETURN NEXT answer;
    END LOOP;
    UPDATE ledger_lot AS l SET held = held - drawn.credits, spent = spent + drawn.credits
    FROM (
        SELECT (pin ->> 0)::uuid AS lot, sum((pin ->> 1)::bigint)::bigint AS credits
        FROM unnest(v_pins) AS p (pins), jsonb_array_elements(pins) AS pin
        GROUP BY 1
    ) AS drawn
    WHERE l.id = drawn.lot;
    UPDATE ledger_hold AS h SET state = 'captured', resolved_at = a.last_at
    FROM unnest(v_done, p_holds) AS made (done, id) WHERE done AND h.id = made.id;
    INSERT INTO ledger_transfer (
        id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, reference, reason, hold_id, lots,
        available_after, held_after, spent_after, hash
    )
        SELECT id, p_organisation, seq, a.last_at, 'capture', 'held', 'spent', credits, key, request, reference, reason, hold, pins,
            a.available, held, spent, hash
        FROM unnest(v_done, p_ids, v_seqs, v_credits, p_keys, p_requests, v_references, p_reasons, p_holds, v_pins, v_helds, v_spents,
            v_hashes) AS made (done, id, seq, credits, key, request, reference, reason, hold, pins, held, spent, hash)
        WHERE done;
    UPDATE ledger_account SET held = a.held, spent = a.spent, last_seq = a.last_seq, last_at = a.last_at, last_hash = a.last_hash
    WHERE organisation_id = p_organisation AND last_seq <> a.last_seq;
END;
$$;
