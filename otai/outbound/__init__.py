"""News that goes out: to customers' own systems by webhooks, signed as Standard Webhooks says and tried again until
they arrive, and to members, by mail and in their browsers.

Words: endpoint (an address of a customer's and what it wants to hear), message (one piece of news, the same for all
endpoints), delivery (one message on its way to one endpoint), attempt (one try of a delivery),
notification (one message as it concerns one member). News is read from rows that are there anyway (run events,
transfers, notices, model versions): no business step knows that anybody listens.
Read `events.py` (what becomes news), then `operations/collecting.py`, then `operations/delivering.py`. docs/webhooks.md
tells it to customers.
"""
