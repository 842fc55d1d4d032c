-- The ledger's tables on SQLite. Same tables, same rules, same names as 0001_postgres.sql.
--
-- Frozen: a change is a new migration. What writes these tables is ../sqlite.py with ../sql/sqlite.sql.
-- UUIDs are 32 hexadecimal digits, times are UTC text and lots are JSON text, as Django stores them.
--
-- Deleting a transfer is refused by two foreign keys and not by a trigger: each transfer needs the one before it, and the account
-- needs the last. Both are checked at commit, so that the whole ledger can be emptied at once (Django's tests do that between
-- two of them), but no part of it.

CREATE TABLE ledger_account (
    organisation_id char(32) NOT NULL PRIMARY KEY REFERENCES orgs_organisation (id) DEFERRABLE INITIALLY DEFERRED,
    available integer NOT NULL,
    held integer NOT NULL,
    spent integer NOT NULL,
    granted integer NOT NULL,
    withdrawn integer NOT NULL,
    last_seq integer NOT NULL,
    last_at datetime NOT NULL,
    last_hash blob NOT NULL,
    last_transfer integer GENERATED ALWAYS AS (nullif(last_seq, 0)) VIRTUAL,
    CONSTRAINT ledger_account_not_overdrawn CHECK (min(available, held, spent, withdrawn) >= 0),
    CONSTRAINT ledger_account_adds_up CHECK (granted = available + held + spent + withdrawn),
    CONSTRAINT ledger_hash_is_a_sha256 CHECK (length(last_hash) = 32),
    CONSTRAINT ledger_account_has_its_last_transfer FOREIGN KEY (organisation_id, last_transfer)
        REFERENCES ledger_transfer (organisation_id, seq) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE ledger_lot (
    id char(32) NOT NULL PRIMARY KEY,
    organisation_id char(32) NOT NULL REFERENCES ledger_account (organisation_id) DEFERRABLE INITIALLY DEFERRED,
    source text NOT NULL,
    rank integer NOT NULL,
    seq integer NOT NULL,
    credits integer NOT NULL,
    unspent integer NOT NULL,
    held integer NOT NULL,
    spent integer NOT NULL,
    withdrawn integer NOT NULL,
    is_open bool NOT NULL,
    price_cents integer,
    price_currency text NOT NULL,
    price_book text NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    granted_at datetime NOT NULL,
    CONSTRAINT ledger_lot_has_credits CHECK (credits > 0),
    CONSTRAINT ledger_lot_not_overdrawn CHECK (min(unspent, held, spent, withdrawn) >= 0),
    CONSTRAINT ledger_lot_adds_up CHECK (credits = unspent + held + spent + withdrawn),
    CONSTRAINT ledger_lot_is_open_while_it_has_unspent_credits CHECK (is_open = (unspent > 0)),
    CONSTRAINT ledger_lot_is_spent_in_the_order_of_its_source CHECK (
        rank = CASE source
            WHEN 'initial' THEN 1 WHEN 'monthly' THEN 1 WHEN 'goodwill' THEN 2 WHEN 'guarantee' THEN 2 WHEN 'purchase' THEN 3 ELSE 0
        END AND rank > 0
    ),
    -- `price_cents >= 0` alone would be unknown, and so pass, for a price that is not there.
    CONSTRAINT ledger_lot_price_has_a_currency CHECK (
        CASE WHEN price_cents IS NULL THEN price_currency = '' ELSE price_cents >= 0 AND price_currency GLOB '[A-Z][A-Z][A-Z]' END
    ),
    CONSTRAINT ledger_lot_purchase_has_a_price CHECK (source <> 'purchase' OR price_cents IS NOT NULL)
);
CREATE INDEX ledger_lot_in_spending_order ON ledger_lot (organisation_id, rank, seq) WHERE is_open;
CREATE UNIQUE INDEX ledger_lot_comes_from_one_grant ON ledger_lot (organisation_id, seq);

CREATE TABLE ledger_hold (
    id char(32) NOT NULL PRIMARY KEY,
    organisation_id char(32) NOT NULL REFERENCES ledger_account (organisation_id) DEFERRABLE INITIALLY DEFERRED,
    credits integer NOT NULL,
    lots text NOT NULL,
    state text NOT NULL,
    reference text NOT NULL,
    placed_at datetime NOT NULL,
    deadline_at datetime NOT NULL,
    resolved_at datetime,
    CONSTRAINT ledger_hold_has_credits CHECK (credits > 0),
    CONSTRAINT ledger_hold_has_a_known_state CHECK (state IN ('held', 'captured', 'released', 'refunded')),
    CONSTRAINT ledger_hold_is_resolved_at_a_time CHECK ((state = 'held') = (resolved_at IS NULL)),
    CONSTRAINT ledger_hold_pins_its_lots CHECK (
        CASE WHEN json_valid(lots) THEN json_type(lots) = 'array' AND json_array_length(lots) > 0 ELSE false END
    )
);
CREATE INDEX ledger_hold_open_by_deadline ON ledger_hold (deadline_at, id) WHERE state = 'held';
CREATE INDEX ledger_hold_of_organisation ON ledger_hold (organisation_id);

CREATE TABLE ledger_transfer (
    id char(32) NOT NULL PRIMARY KEY,
    organisation_id char(32) NOT NULL REFERENCES ledger_account (organisation_id) DEFERRABLE INITIALLY DEFERRED,
    seq integer NOT NULL,
    at datetime NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    target text NOT NULL,
    credits integer NOT NULL,
    key text NOT NULL,
    request_hash blob NOT NULL,
    reference text NOT NULL,
    reason text NOT NULL,
    hold_id char(32),
    lots text NOT NULL,
    available_after integer NOT NULL,
    held_after integer NOT NULL,
    spent_after integer NOT NULL,
    hash blob NOT NULL,
    previous_seq integer GENERATED ALWAYS AS (nullif(seq - 1, 0)) VIRTUAL,
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
        CASE WHEN json_valid(lots) THEN json_type(lots) = 'array' AND json_array_length(lots) > 0 ELSE false END
    ),
    CONSTRAINT ledger_transfer_has_a_key CHECK (key <> ''),
    CONSTRAINT ledger_hash_is_a_sha256 CHECK (length(request_hash) = 32 AND length(hash) = 32),
    CONSTRAINT ledger_transfer_counts_from_one CHECK (seq >= 1),
    CONSTRAINT ledger_transfer_leaves_no_negative_balance CHECK (available_after >= 0 AND held_after >= 0 AND spent_after >= 0),
    CONSTRAINT ledger_transfer_follows_the_one_before_it FOREIGN KEY (organisation_id, previous_seq)
        REFERENCES ledger_transfer (organisation_id, seq) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX ledger_transfer_counts_each_once ON ledger_transfer (organisation_id, seq);
CREATE UNIQUE INDEX ledger_transfer_uses_a_key_once ON ledger_transfer (organisation_id, key);
-- Without it, deleting N rows would search all rows N times for those that need them.
CREATE INDEX ledger_transfer_by_the_one_before_it ON ledger_transfer (organisation_id, previous_seq);

CREATE TABLE ledger_late_capture (
    hold_id char(32) NOT NULL PRIMARY KEY,
    organisation_id char(32) NOT NULL,
    key text NOT NULL,
    reason text NOT NULL,
    at datetime NOT NULL
);

CREATE TRIGGER ledger_transfer_is_append_only BEFORE UPDATE ON ledger_transfer
BEGIN
    SELECT raise(ABORT, 'ledger_transfer_is_append_only: a transfer is never changed or deleted; a correction is a new transfer');
END;
