"""From what a helpdesk keeps to the text that a person would read: the same for a file and for a new ticket."""
