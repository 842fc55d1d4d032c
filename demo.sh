#!/usr/bin/env bash
# The main job, end to end, with the real commands: synthetic tickets in, a trained model out, every credit accounted for.
set -euo pipefail
cd "$(dirname "$0")"
OTAI=${OTAI:-otai}
export OTAI_HOME="$PWD/.demo"
unset OTAI_DATABASE_URL OTAI_FILES OTAI_ORG OTAI_PRICE_BOOK
rm -rf "$OTAI_HOME"

step() { printf '\n\033[1m$ otai %s\033[0m\n' "$*"; "$OTAI" "$@"; }

step init
step org create acme --name "Acme Ltd" --tier community --time-zone Europe/Berlin
step tickets sample "$OTAI_HOME/synthetic-tickets.csv" --tickets 2000
step tickets import "$OTAI_HOME/synthetic-tickets.csv" --name support
step quote --data-set support
step train support --yes
step predict support \
  "My invoice for March was charged twice, please refund one of them" \
  "VPN bricht seit heute Morgen alle fünf Minuten ab, bitte dringend helfen" \
  "Could you set up an account for our new colleague starting on Monday?"
step statement
step ledger audit
