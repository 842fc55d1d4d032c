"""News that goes out to customers' own systems: webhooks, signed as Standard Webhooks says, tried again until they
arrive.

Words: endpoint (an address of a customer's and what it wants to hear), message (one piece of news, the same for all
endpoints), delivery (one message on its way to one endpoint), attempt (one try of a delivery). News is read from rows
that are there anyway (run events, transfers, notices, model versions): no business step knows that anybody listens.
Read `events.py` (what becomes news), then `operations/collecting.py`, then `operations/delivering.py`. docs/webhooks.md
tells it to customers.
"""
