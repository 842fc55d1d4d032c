"""The front: what stands between the network and Django, in asyncio, where somebody who waits costs a few kilobytes and
no thread.

A page takes a thread only for its own work. Before it, the body is read here, up to its bound and at a least rate
(`bodies`); after it, the answer is sent here, at the client's pace (`answers`). A view may hand its request over to a
live stream (`streams`): its thread goes on to the next page. Probes are answered here too (`probes`). `application`
puts them in order; `bounds` and `limits` hold every number.
"""
