"""The front: what stands between the network and Django, in asyncio, where somebody who waits costs a few kilobytes and
no thread.

A page takes a thread only for its own work (`pages.py`). Before it, the body is read here, up to its bound and at a
least rate (`bodies.py`); after it, the answer is sent here, at the client's pace (`answers.py`). A view may hand its
request over to a live stream (`orgs/streams.py`): its thread goes on to the next page. Probes are answered here too
(`probes.py`). `application.py` puts them in order; `bounds.py` and `limits.py` hold every number.
"""
