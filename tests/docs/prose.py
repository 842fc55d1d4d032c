"""`python -m tests.docs.prose`: ends the prose lines of all pages at 120 characters, as `make format` does for code.

Tables, headings, quotations, code and markup stay as they are, and so does a word (an address, a path) that is longer.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 120
LEFT_ALONE = re.compile(r"[|#><\t]|    |\[[^\]]+\]: ")
"""How lines begin that are no prose."""

ITEM = re.compile(r"(\s*)([-*+]|\d+\.)\s+")
WOULD_BEGIN_AN_ITEM = re.compile(r"([-*+]|\d+[.)]|#+|\||>)([\s\0]|$)")


def pages() -> list[Path]:
    """README, CHANGELOG and docs/."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def long_lines(text: str) -> list[str]:
    """Prose lines that could end earlier and do not."""
    return [
        line
        for block, is_prose in _blocks(text)
        if is_prose
        for line in block
        if len(line) > WIDTH and " " in line.strip()
    ]


def wrapped(text: str) -> str:
    """The text with its prose at most `WIDTH` wide: the same words in the same paragraphs and items."""
    made: list[str] = []
    for block, is_prose in _blocks(text):
        made += _wrapped(block) if is_prose and any(len(line) > WIDTH for line in block) else block
    return "\n".join(made)


def _blocks(text: str) -> Iterator[tuple[list[str], bool]]:
    """Paragraphs and items, which are prose, and each line that is not."""
    block: list[str] = []
    fenced = False
    for line in text.split("\n"):
        is_fence = line.lstrip().startswith("```")
        is_code = fenced or is_fence
        if block and not is_code and _goes_on(block, line):
            block.append(line)
            continue
        if block:
            yield block, True
        is_prose = not is_code and bool(line.strip()) and not LEFT_ALONE.match(line)
        block = [line] if is_prose else []
        if not is_prose:
            yield [line], False
        fenced ^= is_fence
    if block:
        yield block, True


def _goes_on(block: list[str], line: str) -> bool:
    in_item = ITEM.match(block[0]) is not None
    return bool(line.strip()) and not ITEM.match(line) and not LEFT_ALONE.match(line.lstrip() if in_item else line)


def _wrapped(block: list[str]) -> list[str]:
    item = ITEM.match(block[0])
    first = item[0] if item else block[0][: len(block[0]) - len(block[0].lstrip())]
    words = " ".join([block[0][len(first) :].strip(), *(line.strip() for line in block[1:])]).split(" ")
    # What would begin an item or a heading at the start of a line stays with the word before it.
    for at in range(len(words) - 1, 0, -1):
        if WOULD_BEGIN_AN_ITEM.match(words[at]):
            words[at - 1 : at + 1] = [f"{words[at - 1]}\0{words[at]}"]
    lines = textwrap.wrap(
        " ".join(words),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines]


def main() -> None:
    """Rewrites the pages whose lines are too long, and names them."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if long_lines(text):
            page.write_text(wrapped(text), encoding="utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
