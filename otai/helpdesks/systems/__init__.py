"""One module a helpdesk system, by its documented API."""
