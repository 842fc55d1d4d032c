"""localstripe in a process of its own: `python -m tests.billing.stripe_double PORT`. Never imported by the product (it
is GPL).

As it comes it listens on every interface and keeps its data in a fixed file; here it listens on this machine only and
keeps none.
"""

from __future__ import annotations

import sys


def main() -> None:
    from aiohttp import web
    from localstripe import resources, server

    resources.Store.dump_to_disk = lambda self: None
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
