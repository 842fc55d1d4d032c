"""The vendor's API, `/api/vendor/v1`: for the vendor's own systems, with keys of their own. It provisions, suspends,
grants and prices; nothing of what an organisation works with can be reached from here."""
