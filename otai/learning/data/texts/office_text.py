"""What word processors leave in texts: RTF as it is stored, and style sheets of Outlook above a mail."""

from __future__ import annotations

import re

RTF = "{\\rtf"
STYLES = "mso-|MsoNormal"
"""What only style sheets say."""
_GROUPS = re.compile(
    r"\{\\(?:\*|fonttbl|colortbl|stylesheet|info|pict|generator)(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\}"
)
_RTF_SIGN = re.compile(r"\\'([0-9a-fA-F]{2})|\\u(-?\d{1,6})\??|\\([a-z]{1,32})(-?\d{1,10})? ?|\\([^a-z])|[{}]|[\r\n]")
_BREAKS = {"par": "\n", "line": "\n", "tab": "\t", "pard": ""}
_STYLE_RULE = re.compile(
    r"(?:/\*[^*]{0,200}\*/|<!--|-->|@[\w-]+[^{}\n]{0,80}\{[^{}]{0,2000}\}|[\w.#*][^{}<\n]{0,200}\{[^{}:]{0,200}:[^{}]{0,2000}\})\s*"
)


def text_of_rtf(text: str) -> str:
    """The words of an RTF document."""

    def sign(found: re.Match[str]) -> str:
        if found[1]:
            return bytes((int(found[1], 16),)).decode("cp1252", "replace")
        if found[2]:
            code = int(found[2]) % 65_536
            return "" if 0xD800 <= code < 0xE000 else chr(code)
        if found[3]:
            return _BREAKS.get(found[3], "")
        return found[5] if found[5] and found[5] in "\\{}" else ""

    return _RTF_SIGN.sub(sign, _GROUPS.sub("", text)).replace("\x00", "").strip()


def without_styles(text: str) -> str:
    """Without the style sheet that a mail program wrote above the text."""
    at = 0
    while rule := _STYLE_RULE.match(text, at):
        at = rule.end()
    return text[at:] if at and re.search(STYLES, text[:at]) else text
