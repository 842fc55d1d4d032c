"""What a request's headers may say to Django, where their values come from strangers."""

from __future__ import annotations

import re

from django.utils.http import parse_header_parameters

_ASCII = bytes(range(128)) + b"\\n"
_CHARSET = re.compile(r";\s*charset(\*[0-9*]*)?\s*=[^;]*", re.IGNORECASE)


def usable_content_type(value: str) -> str:
    """The Content-Type without a charset in which nobody can have written a form: no codec of texts (zlib, rot13), or
    one under which ASCII is not itself (idna, punycode, utf-16). Django would decode the query with it, before there is
    a page that could refuse it. Where the other parameters cannot be read either, it comes without all of them."""
    without_charset = _CHARSET.sub("", value)
    return next((said for said in (value, without_charset) if _is_usable(said)), value.partition(";")[0])


def _is_usable(value: str) -> bool:
    try:
        # As Django reads it: of parameters with one name the last, and `charset*` (RFC 2231) is one of that name.
        _kind, parameters = parse_header_parameters(value)
    except Exception:  # noqa: BLE001  ValueError by its own word; what the parser of mails raises, nobody lists
        return False
    return "charset" not in parameters or _keeps_ascii(parameters["charset"])


def _keeps_ascii(name: str) -> bool:
    try:
        # As Django does it. A codec that is none of texts refuses, and some know no "replace".
        return (_ASCII + b"\xff").decode(name, "replace").startswith(_ASCII.decode("ascii"))
    except Exception:  # noqa: BLE001  codecs raise what they like: LookupError, ValueError, UnicodeError, zlib.error
        return False
