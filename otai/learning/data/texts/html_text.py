"""E-mail bodies in HTML, as the text that a person would read."""

from __future__ import annotations

import html
import re

from otai.learning.data.texts.quoted_blocks import ENDS, mark_of, with_quotes, without_marks

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


_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(/?)([A-Za-z][^\s/<>]*)[^<>]*(?:>|\Z|(?=<))|<[!?][^<>]*>",
    flags=re.DOTALL,
)
_NEVER_NESTED = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dd",
        "dt",
        "td",
        "th",
        "tr",
        "option",
    ]
)
"""They hold nothing, or the next of their kind ends them."""
_BLOCK_TAGS = frozenset(_BLOCKS.split(", ")) | {"br"}
_CELL_TAGS = frozenset(("td", "th"))

_OPENED = re.compile(r"<!--|<([A-Za-z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[\s/]*[^\s/>=]*(?:\s*=\s*(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s>]*))?")
_SEPARATORS = re.compile(r"[\s/]")
_UNPARSED = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "iframe", "noscript")
}

MOST_ATTRIBUTES = 2_000
"""In one mail, before they are taken out unparsed: a parser compares each attribute of a tag with all before it."""

MOST_ESCAPES = 3
DEEPEST = 256
"""No mail is nested so deep. A parser's work grows with the square of the depth, so what is deeper is read without a
tree."""


def text_of_html(source: str) -> str:
    """The text of an HTML body: a line for each block and break, no scripts, styles, comments or embedded pictures,
    entities resolved.

    Text that is not HTML comes back with its entities resolved and is otherwise the same. The time it takes grows with
    the length alone.
    """
    for _ in range(MOST_ESCAPES):
        if _IS_HTML.search(source) is not None:
            break
        if _IS_ESCAPED.search(source) is None:
            return source
        # Some helpdesks store HTML with its brackets escaped, and some exports escape that once more.
        source = html.unescape(source)
    else:
        return source
    if "blockquote" in source or "BLOCKQUOTE" in source:
        source = without_marks(source)
    if (simple := _text_of_simple(source)) is not None:
        return simple
    from selectolax.lexbor import LexborHTMLParser

    # Embedded pictures can be most of a mail, and the parser would carry them along.
    source = _NO_TAG.sub(r"&lt;\1&gt;", _EMBEDDED.sub("", source))
    if _has_many_attributes(source):
        source = _without_attributes(source)
    if _is_deeper_than(DEEPEST, source):
        return _tidied(_text_without_tree(_without_attributes(source)))
    tree = LexborHTMLParser(source)
    tree.strip_tags(_UNREAD)
    for node in tree.css("br"):
        node.replace_with("\n")
    for node in tree.css("td, th"):
        node.insert_after(" ")
    for node in tree.css("blockquote"):
        node.insert_before(mark_of(" ".join(f'{name}="{value or ""}"' for name, value in node.attributes.items())))
        node.insert_after(ENDS)
    for node in tree.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    root = tree.body or tree.root
    text = root.text(deep=True, separator="") if root is not None else ""
    return _tidied(text)


_SIMPLE_TAG = re.compile(
    r"<(/?)(html|body|p|br|div|span|b|i|u|em|strong|ul|ol|li|h[1-6]|blockquote|font|small)(?: [\w:-]+=\"[^\"<>]*\")* ?/?>",
    re.IGNORECASE,
)
_SIMPLE_BLOCKS = frozenset(("p", "div", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"))
_BREAKING = _SIMPLE_BLOCKS | {"br"}
_CLOSED_BY_BLOCKS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6"))


def _text_of_simple(source: str) -> str | None:
    """The text of HTML of a few well-nested tags, as most mails are, ten times faster than by a tree; None for any
    other.

    It is the text that the tree gives: where a parser would move or close an element by itself, nothing is said here.
    """
    # Text, slash, name, text, slash, name ...: one pass.
    parts = _SIMPLE_TAG.split(source)
    names = [name.lower() for name in parts[2::3]]
    if len(names) != source.count("<") or len(names) > MOST_SIMPLE_TAGS:
        return None
    if not _are_well_nested(parts[1::3], names):
        return None
    if "blockquote" in names:
        text = _SIMPLE_TAG.sub(_in_place_of_tag, source)
    else:
        parts[1::3] = ["\n" if name in _BREAKING else "" for name in names]
        parts[2::3] = [""] * len(names)
        text = "".join(parts)
    return _tidied(html.unescape(text) if "&" in text else text)


def _are_well_nested(slashes: list[str], names: list[str]) -> bool:
    """Whether a parser would leave each tag where it is."""
    opened: list[str] = []
    for slash, name in zip(slashes, names, strict=True):
        if len(opened) > DEEPEST_SIMPLE:
            return False
        if name == "br":
            if slash:
                return False
        elif slash:
            if not opened or opened.pop() != name:
                return False
        elif (
            (name in opened and name not in _NESTED_AS_WRITTEN)
            or (name in _SIMPLE_BLOCKS and not _CLOSED_BY_BLOCKS.isdisjoint(opened))
            or (name in ("html", "body") and opened not in ([], ["html"]))
        ):
            return False
        else:
            opened.append(name)
    return not opened


def _in_place_of_tag(tag: re.Match[str]) -> str:
    name = tag[2].lower()
    if name == "blockquote":
        return f"\n{ENDS}" if tag[1] else f"{mark_of(tag[0])}\n"
    return "\n" if name in _BREAKING else ""


MOST_SIMPLE_TAGS = 2_000
DEEPEST_SIMPLE = 64
_NESTED_AS_WRITTEN = frozenset(
    ("div", "span", "blockquote", "ul", "ol", "b", "i", "u", "em", "strong", "font", "small")
)


_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")
_ODD_BLANK = re.compile(r"  |[\t\r\f\v\xa0]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def _tidied(text: str) -> str:
    # Most texts have single blanks already, which is seen much sooner than each is replaced by itself.
    if _ODD_BLANK.search(text) is not None:
        text = _BLANKS.sub(" ", text)
    text = with_quotes("\n".join(map(str.strip, text.split("\n"))))
    return (_EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def _has_many_attributes(source: str) -> bool:
    if source.count("=") > MOST_ATTRIBUTES:
        return True
    return any(
        len(found[0]) > MOST_ATTRIBUTES and len(_SEPARATORS.findall(found[0])) > MOST_ATTRIBUTES
        for found in _TAG.finditer(source)
        if found[2]
    )


def _without_attributes(source: str) -> str:
    """The same tags with their names alone, and no comments. What a browser would take for an attribute's value is one
    here too."""
    parts: list[str] = []
    at = 0
    while (opened := _OPENED.search(source, at)) is not None:
        parts.append(source[at : opened.start()])
        if opened[1] is None:
            end = source.find("-->", opened.end())
            at = len(source) if end < 0 else end + 3
            continue
        at = opened.end()
        while at < len(source) and source[at] != ">":
            attribute = _ATTRIBUTE.match(source, at)
            assert attribute is not None
            # Every character that begins no attribute is passed over, as a browser does.
            at = max(attribute.end(), at + 1)
        parts.append(f"<{opened[1]}>")
        at += 1
        if (closing := _UNPARSED.get(opened[1].lower())) is not None:
            ended = closing.search(source, at)
            at = len(source) if ended is None else ended.start()
    parts.append(source[at:])
    return "".join(parts)


def _is_deeper_than(most: int, source: str) -> bool:
    """Whether more elements could be open at once. A closing tag closes at most one; one that closes nothing is not
    counted."""
    depth = 0
    for found in _TAG.finditer(source):
        slash, name = found[1], found[2]
        if not name or name.lower() in _NEVER_NESTED:
            continue
        depth = max(0, depth - 1) if slash else depth + 1
        if depth > most:
            return True
    return False


def _text_without_tree(source: str) -> str:
    """Tags as they come: a line for blocks, a blank for cells, nothing of what is not read."""
    parts: list[str] = []
    unread, at = dict.fromkeys(_UNREAD, 0), 0
    hidden = 0
    for tag in _TAG.finditer(source):
        if not hidden:
            parts.append(html.unescape(source[at : tag.start()]))
        at = tag.end()
        name = (tag[2] or "").lower()
        if name in unread:
            if not tag[1]:
                unread[name] += 1
                hidden += 1
            elif unread[name]:
                unread[name] -= 1
                hidden -= 1
        elif not hidden and name in _BLOCK_TAGS:
            mark = (ENDS if tag[1] else mark_of("")) if name == "blockquote" else ""
            parts.append(f"\n{mark}" if tag[1] else f"{mark}\n")
        elif not hidden and name in _CELL_TAGS:
            parts.append(" ")
    if not hidden:
        parts.append(html.unescape(source[at:]))
    return "".join(parts)
