"""Personal data in texts: names, addresses, numbers and ids, and what stands in their place. Read personal.py first."""
