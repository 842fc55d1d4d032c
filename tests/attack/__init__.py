"""What strangers try, and what must come of it: `make attack`. See docs/testing.md."""
