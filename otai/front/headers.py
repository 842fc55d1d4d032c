"""What a request's headers may say to Django, where their values come from strangers."""

from __future__ import annotations

import re

_ASCII = bytes(range(128)) + b"\\n"
_CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def usable_content_type(value: str) -> str:
    """The Content-Type without a charset in which nobody can have written a form: no codec of texts (zlib, rot13), or
    one under which ASCII is not itself (idna, punycode, utf-16). Django would decode the query with it, before there is
    a page that could refuse it."""
    named = _CHARSET.search(value)
    if named is None or _keeps_ascii(named[0].partition("=")[2].strip().strip("\"'").strip()):
        return value
    return _CHARSET.sub("", value)


def _keeps_ascii(name: str) -> bool:
    try:
        # As Django does it. A codec that is none of texts refuses, and some know no "replace".
        return (_ASCII + b"\xff").decode(name, "replace").startswith(_ASCII.decode("ascii"))
    except Exception:  # noqa: BLE001  codecs raise what they like: LookupError, ValueError, UnicodeError, zlib.error
        return False
