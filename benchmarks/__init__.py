"""What the product promises about speed and quality, measured. `make bench` runs all; `make bench BENCH=pricing_quotes`
one."""
