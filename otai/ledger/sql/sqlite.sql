-- The statements that the ledger sends to SQLite, by name. sqlite.py puts them together into the operations, each inside one
-- IMMEDIATE transaction: it takes SQLite's only write lock at its start, so nothing read in it can be stale. A round trip costs
-- nothing here (the database is in the process), so the steps stay in Python, where they read best.

-- name: account
SELECT available, held, spent, granted, withdrawn, last_seq, last_at, last_hash FROM ledger_account WHERE organisation_id = %s;

-- name: organisation_exists
SELECT 1 FROM orgs_organisation WHERE id = %s;

-- name: open_account
INSERT INTO ledger_account (organisation_id, available, held, spent, granted, withdrawn, last_seq, last_at, last_hash)
VALUES (%s, 0, 0, 0, 0, 0, 0, %s, zeroblob(32));

-- name: move_account
UPDATE ledger_account SET
    available = %s, held = %s, spent = %s, granted = %s, withdrawn = %s, last_seq = %s, last_at = %s, last_hash = %s
WHERE organisation_id = %s;

-- name: transfer_by_key
SELECT id, request_hash, hold_id, lots, credits, available_after FROM ledger_transfer WHERE organisation_id = %s AND key = %s;

-- name: add_transfer
INSERT INTO ledger_transfer (
    id, organisation_id, seq, at, kind, source, target, credits, key, request_hash, reference, reason, hold_id, lots,
    available_after, held_after, spent_after, hash
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: add_lot
INSERT INTO ledger_lot (
    id, organisation_id, source, rank, seq, credits, unspent, held, spent, withdrawn, is_open, price_cents, price_currency,
    price_book, reference, reason, granted_at
) VALUES (%s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 1, %s, %s, %s, %s, %s, %s);

-- name: open_lots
SELECT id, unspent FROM ledger_lot WHERE organisation_id = %s AND is_open ORDER BY rank, seq;

-- name: lot
SELECT unspent FROM ledger_lot WHERE id = %s AND organisation_id = %s;

-- name: hold_in_lot
UPDATE ledger_lot SET unspent = unspent - %s, held = held + %s, is_open = unspent > %s WHERE id = %s;

-- name: capture_in_lot
UPDATE ledger_lot SET held = held - %s, spent = spent + %s WHERE id = %s;

-- name: release_in_lot
UPDATE ledger_lot SET held = held - %s, unspent = unspent + %s, is_open = 1 WHERE id = %s;

-- name: refund_in_lot
UPDATE ledger_lot SET spent = spent - %s, unspent = unspent + %s, is_open = 1 WHERE id = %s;

-- name: withdraw_from_lot
UPDATE ledger_lot SET unspent = unspent - %s, withdrawn = withdrawn + %s, is_open = unspent > %s WHERE id = %s;

-- name: add_hold
INSERT INTO ledger_hold (id, organisation_id, credits, lots, state, reference, placed_at, deadline_at, resolved_at)
VALUES (%s, %s, %s, %s, 'held', %s, %s, %s, NULL);

-- name: hold
SELECT credits, lots, state, reference, deadline_at FROM ledger_hold WHERE id = %s AND organisation_id = %s;

-- name: resolve_hold
UPDATE ledger_hold SET state = %s, resolved_at = %s WHERE id = %s;

-- name: extend_hold
UPDATE ledger_hold SET deadline_at = %s WHERE id = %s;

-- name: record_late_capture
INSERT INTO ledger_late_capture (hold_id, organisation_id, key, reason, at) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING;
