"""The Studio in the browser: pages for helpdesk leads and finance people. A door: it translates, and decides nothing.

No page is open yet; the REST door is `api`, the command line is `cli`.
"""
