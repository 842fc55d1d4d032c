-- The ledger's tables on PostgreSQL.
--
-- Frozen: a change is a new migration. The functions that write these tables are in ../sql/postgres.sql.
-- fillfactor leaves room on each page, so that a row's new version lands beside its old one and no index is touched (HOT).
-- Lots, holds and transfers carry no foreign key to the account: every writer holds the account's row lock, and the check would
-- lock and log that same row once more for each (docs/experiments-ledger.md). The audit looks for orphans instead.
-- Rules are CHECKs where they guard an amount, and otherwise domains or a trigger with the rule's name: PostgreSQL reads and plans every
-- CHECK of a table again for each statement that writes it, which was the larger part of writing a transfer (the same page).

CREATE DOMAIN ledger_sha256 AS bytea CONSTRAINT ledger_hash_is_a_sha256 CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN ledger_hold_state AS text
    CONSTRAINT ledger_hold_has_a_known_state CHECK (VALUE IN ('held', 'captured', 'released', 'refunded'));

CREATE TABLE ledger_account (
    organisation_id uuid NOT NULL PRIMARY KEY REFERENCES orgs_organisation (id) DEFERRABLE INITIALLY DEFERRED,
    available bigint NOT NULL,
    held bigint NOT NULL,
    spent bigint NOT NULL,
    granted bigint NOT NULL,
    withdrawn bigint NOT NULL,
    last_seq bigint NOT NULL,
    last_at timestamptz NOT NULL,
    last_hash ledger_sha256 NOT NULL,
    CONSTRAINT ledger_account_not_overdrawn CHECK (least(available, held, spent, withdrawn) >= 0),
    CONSTRAINT ledger_account_adds_up CHECK (granted = available + held + spent + withdrawn)
) WITH (fillfactor = 40);

CREATE TABLE ledger_lot (
    id uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    source text NOT NULL,
    rank smallint NOT NULL,
    seq bigint NOT NULL,
    credits bigint NOT NULL,
    unspent bigint NOT NULL,
    held bigint NOT NULL,
    spent bigint NOT NULL,
    withdrawn bigint NOT NULL,
    is_open boolean NOT NULL,
    price_cents bigint,
    price_currency text NOT NULL,
    price_book text NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT ledger_lot_not_overdrawn CHECK (least(unspent, held, spent, withdrawn) >= 0),
    CONSTRAINT ledger_lot_adds_up CHECK (credits = unspent + held + spent + withdrawn),
    CONSTRAINT ledger_lot_is_open_while_it_has_unspent_credits CHECK (is_open = (unspent > 0))
) WITH (fillfactor = 60);
CREATE INDEX ledger_lot_in_spending_order ON ledger_lot (organisation_id, rank, seq) WHERE is_open;
CREATE UNIQUE INDEX ledger_lot_comes_from_one_grant ON ledger_lot (organisation_id, seq);

CREATE TABLE ledger_hold (
    id uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    credits bigint NOT NULL,
    lots jsonb NOT NULL,
    state ledger_hold_state NOT NULL,
    reference text NOT NULL,
    placed_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT ledger_hold_is_resolved_at_a_time CHECK ((state = 'held') = (resolved_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX ledger_hold_open_by_deadline ON ledger_hold (deadline_at, id) WHERE state = 'held';

CREATE TABLE ledger_transfer (
    id uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    target text NOT NULL,
    credits bigint NOT NULL,
    key text NOT NULL,
    request_hash ledger_sha256 NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    hold_id uuid,
    lots jsonb NOT NULL,
    available_after bigint NOT NULL,
    held_after bigint NOT NULL,
    spent_after bigint NOT NULL,
    hash ledger_sha256 NOT NULL,
    CONSTRAINT ledger_transfer_moves_credits CHECK (credits > 0)
);
CREATE UNIQUE INDEX ledger_transfer_counts_each_once ON ledger_transfer (organisation_id, seq);
CREATE UNIQUE INDEX ledger_transfer_uses_a_key_once ON ledger_transfer (organisation_id, key);

CREATE TABLE ledger_late_capture (
    hold_id uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    key text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL
);

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger_transfer_is_append_only: a transfer is never changed or deleted; a correction is a new transfer'
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER ledger_transfer_is_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();

-- What a CHECK would say, where a CHECK costs too much. Each rule must be TRUE: unknown does not pass.
CREATE FUNCTION ledger_require(rule boolean, name text, relation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rule IS NOT TRUE THEN
        RAISE EXCEPTION 'row for relation "%" violates constraint "%"', relation, name
            USING ERRCODE = 'check_violation', CONSTRAINT = name, TABLE = relation;
    END IF;
END;
$$;

CREATE FUNCTION ledger_check_lot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_require(NEW.credits > 0, 'ledger_lot_has_credits', 'ledger_lot');
    PERFORM ledger_require(
        NEW.rank = CASE NEW.source
            WHEN 'initial' THEN 1 WHEN 'monthly' THEN 1 WHEN 'goodwill' THEN 2 WHEN 'guarantee' THEN 2 WHEN 'purchase' THEN 3
        END,
        'ledger_lot_is_spent_in_the_order_of_its_source', 'ledger_lot'
    );
    PERFORM ledger_require(
        CASE WHEN NEW.price_cents IS NULL THEN NEW.price_currency = ''
            ELSE NEW.price_cents >= 0 AND NEW.price_currency ~ '^[A-Z]{3}$' END,
        'ledger_lot_price_has_a_currency', 'ledger_lot'
    );
    PERFORM ledger_require(
        NEW.source <> 'purchase' OR NEW.price_cents IS NOT NULL, 'ledger_lot_purchase_has_a_price', 'ledger_lot'
    );
    RETURN NEW;
END;
$$;
-- Only for what a movement of credits leaves alone.
CREATE TRIGGER ledger_lot_is_sound
    BEFORE INSERT OR UPDATE OF credits, source, rank, price_cents, price_currency ON ledger_lot
    FOR EACH ROW EXECUTE FUNCTION ledger_check_lot();

CREATE FUNCTION ledger_check_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.credits > 0) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_hold_has_credits', 'ledger_hold');
    END IF;
    IF (CASE WHEN jsonb_typeof(NEW.lots) = 'array' THEN jsonb_array_length(NEW.lots) > 0 END) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_hold_pins_its_lots', 'ledger_hold');
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER ledger_hold_is_sound BEFORE INSERT OR UPDATE OF credits, lots ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION ledger_check_hold();

CREATE FUNCTION ledger_check_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (CASE NEW.kind
        WHEN 'grant' THEN NEW.source IN ('initial', 'monthly', 'purchase', 'goodwill', 'guarantee') AND NEW.target = 'available'
        WHEN 'hold' THEN NEW.source = 'available' AND NEW.target = 'held'
        WHEN 'capture' THEN NEW.source = 'held' AND NEW.target = 'spent'
        WHEN 'release' THEN NEW.source = 'held' AND NEW.target = 'available'
        WHEN 'credit_refund' THEN NEW.source = 'spent' AND NEW.target = 'available'
        WHEN 'withdrawal' THEN NEW.source = 'available' AND NEW.target = 'withdrawn'
    END) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_moves_as_its_kind_says', 'ledger_transfer');
    END IF;
    IF ((NEW.kind IN ('grant', 'withdrawal')) = (NEW.hold_id IS NULL)) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_names_its_hold', 'ledger_transfer');
    END IF;
    IF (CASE WHEN jsonb_typeof(NEW.lots) = 'array' THEN jsonb_array_length(NEW.lots) > 0 END) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_names_its_lots', 'ledger_transfer');
    END IF;
    IF (NEW.key <> '') IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_has_a_key', 'ledger_transfer');
    END IF;
    IF (NEW.seq >= 1) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_counts_from_one', 'ledger_transfer');
    END IF;
    IF (least(NEW.available_after, NEW.held_after, NEW.spent_after) >= 0) IS NOT TRUE THEN
        PERFORM ledger_require(false, 'ledger_transfer_leaves_no_negative_balance', 'ledger_transfer');
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER ledger_transfer_is_sound BEFORE INSERT ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION ledger_check_transfer();
