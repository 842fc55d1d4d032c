#!/usr/bin/env bash
# The main job, end to end, with the real commands: synthetic tickets in, a trained model out, every credit accounted for.
set -euo pipefail
cd "$(dirname "$0")"
OTAI=${OTAI:-otai}
export OTAI_HOME="$PWD/.demo"
unset OTAI_DATABASE_URL OTAI_FILES OTAI_ORG OTAI_PRICE_BOOK
rm -rf "$OTAI_HOME"

step() {
  local shown="" word
  for word in "$@"; do
    case "$word" in *[!A-Za-z0-9_./:=-]*) shown+=" \"$word\"" ;; *) shown+=" $word" ;; esac
  done
  printf '\n\033[1m$ otai%s\033[0m\n' "${shown//"$OTAI_HOME"/.demo}"
  "$OTAI" "$@"
}

step init
# Only an installation with this mark signs its demo user in by a link (otai studio --demo).
touch "$OTAI_HOME/is-demo"
step org create acme --name "Acme Ltd" --tier community --time-zone Europe/Berlin
step tickets sample "$OTAI_HOME/synthetic-tickets.csv" --tickets 2000
step tickets import "$OTAI_HOME/synthetic-tickets.csv" --name support
step quote --data-set support
step train support --yes
step predict support \
  "My invoice for March was charged twice, please refund one of them" \
  "VPN bricht seit heute Morgen alle fünf Minuten ab, bitte dringend helfen" \
  "Could you set up an account for our new colleague starting on Monday?"
# More credits, by bank transfer: the invoice asks for the money, and the credits come when an operator has seen it.
step billing details set --name "Acme GmbH" --street "Hauptstr. 1" --postcode 10115 --city Berlin --country DE --email billing@acme.example
step billing packages
step billing buy 10
reference=$("$OTAI" billing purchases --json | "$(dirname "$OTAI")/python" -c 'import json, sys; print(json.load(sys.stdin)[0]["reference"])')
step billing confirm-payment "$reference" 119 --bank-reference "bank statement 7, line 3"
step billing invoices export --folder "$OTAI_HOME"

step statement
step ledger audit
