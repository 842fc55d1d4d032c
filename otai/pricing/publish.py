"""`python -m otai.pricing.publish`: writes the file of the book in force, once for each version."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from otai.pricing.price_book import PRICE_BOOK
from otai.pricing.published import as_published, versions


def main() -> int:
    """Refuses a version that was published: what customers were promised under it stays."""
    if PRICE_BOOK.version in versions():
        print(f"{PRICE_BOOK.version} was published before. A changed book needs a new version.", file=sys.stderr)  # noqa: T201
        return 1
    path = Path(__file__).parent / "published" / f"{PRICE_BOOK.version}.json"
    path.write_text(json.dumps(as_published(PRICE_BOOK), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
