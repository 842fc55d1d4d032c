"""E-mail bodies in HTML, as the text that a person would read."""

from __future__ import annotations

import html
import re

LOOKS_LIKE_HTML = r"(?i)<(?:html|body|div|p|br|span|table|tr|td|ul|ol|li|a|b|i|strong|em|img|font|h[1-6]|blockquote|style|meta|!doctype)(?:\s[^<>]*)?/?>"
"""RE2 and Python syntax. A text that merely contains "<" or "<name>" is left alone."""

LOOKS_LIKE_ENTITIES = r"&(?:nbsp|amp|lt|gt|quot|#\d{2,5}|[aouAOU]uml|szlig);"

_BLOCKS = "p, div, tr, li, h1, h2, h3, h4, h5, h6, blockquote, table, ul, ol, pre, hr, section, article, header, footer"
_UNREAD = ["script", "style", "head", "title", "noscript", "template", "svg", "object", "iframe"]
_TAGS = [
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "base",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "fieldset",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "meta",
    "nav",
    "noscript",
    "object",
    "ol",
    "option",
    "p",
    "picture",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "o:p",
    "v:shape",
    "w:wrap",
]
_NO_TAG = re.compile(rf"<(?!/?(?:{'|'.join(_TAGS)})\b|!)(/?[A-Za-z_][^<>\n]*)>", flags=re.IGNORECASE)
"""<tel_num> and <ada@example.com> are what somebody wrote, not markup."""
_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]{40,}")
_IS_HTML = re.compile(LOOKS_LIKE_HTML)
_IS_ESCAPED = re.compile(LOOKS_LIKE_ENTITIES)


def text_of_html(source: str) -> str:
    """The text of an HTML body: a line for each block and break, no scripts, styles, comments or embedded pictures, entities resolved.

    Text that is not HTML comes back with its entities resolved and is otherwise the same.
    """
    if _IS_HTML.search(source) is None:
        return html.unescape(source) if _IS_ESCAPED.search(source) else source
    from selectolax.lexbor import LexborHTMLParser

    # Embedded pictures can be most of a mail, and the parser would carry them along.
    tree = LexborHTMLParser(_NO_TAG.sub(r"&lt;\1&gt;", _EMBEDDED.sub("", source)))
    tree.strip_tags(_UNREAD)
    for node in tree.css("br"):
        node.replace_with("\n")
    for node in tree.css("td, th"):
        node.insert_after(" ")
    for node in tree.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    root = tree.body or tree.root
    text = root.text(deep=True, separator="") if root is not None else ""
    lines = [re.sub(r"[ \t\r\f\v\xa0]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
