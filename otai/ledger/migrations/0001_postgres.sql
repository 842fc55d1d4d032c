-- The ledger's tables on PostgreSQL.
--
-- Frozen: a change is a new migration. The functions that write these tables are in ../sql/postgres.sql.
-- fillfactor leaves room on each page, so that a row's new version lands beside its old one and no index is touched (HOT).
-- Lots, holds and transfers carry no foreign key to the account: every writer holds the account's row lock, and the check would
-- lock and log that same row once more for each (docs/experiments-ledger.md). The audit looks for orphans instead.

CREATE TABLE ledger_account (
    organisation_id uuid NOT NULL PRIMARY KEY REFERENCES orgs_organisation (id) DEFERRABLE INITIALLY DEFERRED,
    available bigint NOT NULL,
    held bigint NOT NULL,
    spent bigint NOT NULL,
    granted bigint NOT NULL,
    withdrawn bigint NOT NULL,
    last_seq bigint NOT NULL,
    last_at timestamptz NOT NULL,
    last_hash bytea NOT NULL,
    CONSTRAINT ledger_account_not_overdrawn CHECK (available >= 0),
    CONSTRAINT ledger_account_holds_nothing_negative CHECK (held >= 0),
    CONSTRAINT ledger_account_has_spent_nothing_negative CHECK (spent >= 0),
    CONSTRAINT ledger_account_has_withdrawn_nothing_negative CHECK (withdrawn >= 0),
    CONSTRAINT ledger_account_adds_up CHECK (granted = available + held + spent + withdrawn),
    CONSTRAINT ledger_account_counts_its_transfers CHECK (last_seq >= 0),
    CONSTRAINT ledger_account_ends_in_a_sha256 CHECK (octet_length(last_hash) = 32)
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
    CONSTRAINT ledger_lot_has_credits CHECK (credits > 0),
    CONSTRAINT ledger_lot_not_overdrawn CHECK (unspent >= 0),
    CONSTRAINT ledger_lot_holds_nothing_negative CHECK (held >= 0),
    CONSTRAINT ledger_lot_has_spent_nothing_negative CHECK (spent >= 0),
    CONSTRAINT ledger_lot_has_withdrawn_nothing_negative CHECK (withdrawn >= 0),
    CONSTRAINT ledger_lot_adds_up CHECK (credits = unspent + held + spent + withdrawn),
    CONSTRAINT ledger_lot_is_open_while_it_has_unspent_credits CHECK (is_open = (unspent > 0)),
    CONSTRAINT ledger_lot_is_spent_in_the_order_of_its_source CHECK (
        rank = CASE source
            WHEN 'initial' THEN 1 WHEN 'monthly' THEN 1 WHEN 'goodwill' THEN 2 WHEN 'guarantee' THEN 2 WHEN 'purchase' THEN 3 ELSE 0
        END AND rank > 0
    ),
    -- `price_cents >= 0` alone would be unknown, and so pass, for a price that is not there.
    CONSTRAINT ledger_lot_price_has_a_currency CHECK (
        CASE WHEN price_cents IS NULL THEN price_currency = '' ELSE price_cents >= 0 AND price_currency ~ '^[A-Z]{3}$' END
    ),
    CONSTRAINT ledger_lot_purchase_has_a_price CHECK (source <> 'purchase' OR price_cents IS NOT NULL)
) WITH (fillfactor = 60);
CREATE INDEX ledger_lot_in_spending_order ON ledger_lot (organisation_id, rank, seq) WHERE is_open;
CREATE UNIQUE INDEX ledger_lot_comes_from_one_grant ON ledger_lot (organisation_id, seq);

CREATE TABLE ledger_hold (
    id uuid NOT NULL PRIMARY KEY,
    organisation_id uuid NOT NULL,
    credits bigint NOT NULL,
    lots jsonb NOT NULL,
    state text NOT NULL,
    reference text NOT NULL,
    placed_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    resolved_at timestamptz,
    CONSTRAINT ledger_hold_has_credits CHECK (credits > 0),
    CONSTRAINT ledger_hold_has_a_known_state CHECK (state IN ('held', 'captured', 'released', 'refunded')),
    CONSTRAINT ledger_hold_is_resolved_at_a_time CHECK ((state = 'held') = (resolved_at IS NULL)),
    CONSTRAINT ledger_hold_pins_its_lots CHECK (
        CASE WHEN jsonb_typeof(lots) = 'array' THEN jsonb_array_length(lots) > 0 ELSE false END
    )
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
    request_hash bytea NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    hold_id uuid,
    lots jsonb NOT NULL,
    available_after bigint NOT NULL,
    held_after bigint NOT NULL,
    spent_after bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT ledger_transfer_moves_credits CHECK (credits > 0),
    CONSTRAINT ledger_transfer_moves_as_its_kind_says CHECK (
        CASE kind
            WHEN 'grant' THEN source IN ('initial', 'monthly', 'purchase', 'goodwill', 'guarantee') AND target = 'available'
            WHEN 'hold' THEN source = 'available' AND target = 'held'
            WHEN 'capture' THEN source = 'held' AND target = 'spent'
            WHEN 'release' THEN source = 'held' AND target = 'available'
            WHEN 'credit_refund' THEN source = 'spent' AND target = 'available'
            WHEN 'withdrawal' THEN source = 'available' AND target = 'withdrawn'
            ELSE false
        END
    ),
    CONSTRAINT ledger_transfer_names_its_hold CHECK ((kind IN ('grant', 'withdrawal')) = (hold_id IS NULL)),
    CONSTRAINT ledger_transfer_names_its_lots CHECK (
        CASE WHEN jsonb_typeof(lots) = 'array' THEN jsonb_array_length(lots) > 0 ELSE false END
    ),
    CONSTRAINT ledger_transfer_has_a_key CHECK (key <> ''),
    CONSTRAINT ledger_transfer_is_bound_to_its_request CHECK (octet_length(request_hash) = 32),
    CONSTRAINT ledger_transfer_is_chained_by_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT ledger_transfer_counts_from_one CHECK (seq >= 1),
    CONSTRAINT ledger_transfer_leaves_no_negative_balance CHECK (available_after >= 0 AND held_after >= 0 AND spent_after >= 0)
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
