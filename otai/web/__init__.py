"""The Studio in the browser: pages for helpdesk leads and finance people. A door: it translates, and decides nothing.

Server-rendered templates with htmx. `frame.py` is what surrounds every page, `templatetags/studio.py` the components,
`static/web/css` the tokens and their looks, `middleware.py` what every answer gets. Pages are functions in `views/`,
one module for each noun. docs/studio.md shows how a page is made.
"""
