"""Most mails are a few well-nested tags: they are read without a tree, and say the same."""

from __future__ import annotations

import random

import pytest

from otai.learning.data.texts import html_text

pytestmark = pytest.mark.pure

WORDS = ("text", "a  b", "\n", " ", "&nbsp;", "x<br>y", "&amp;", "&lt;p&gt;", "Grüße", "\t")
TAGS = ("p", "div", "b", "span", "ul", "li", "h2", "blockquote", "i", "font", "small")


def nested(rng: random.Random, depth: int = 0) -> str:
    parts = []
    for _ in range(rng.randrange(1, 4)):
        if depth > 3 or rng.random() < 0.4:
            parts.append(rng.choice(WORDS))
        else:
            tag = rng.choice(TAGS)
            parts.append(f"<{tag}>{nested(rng, depth + 1)}</{tag}>")
    return "".join(parts)


def test_it_says_what_the_tree_says(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)
    simple = html_text._text_of_simple
    found = {source: simple(source) for source in (f"<html><body>{nested(rng)}</body></html>" for _ in range(1_500))}
    assert sum(text is not None for text in found.values()) > 300
    monkeypatch.setattr(html_text, "_text_of_simple", lambda source: None)
    for source, text in found.items():
        assert text is None or text == html_text.text_of_html(source), source


@pytest.mark.parametrize(
    "source",
    [
        "<p>a<p>b", "<p>a</div>", "<table><tr><td>a</td></tr></table>", "<p>1 < "
        "2</p>", "<script>x</script><p>a</p>", "<p><div>a</div></p>", "<p>a</p><!-- "
        "b -->",
        "<li>a<li>b</li></li>", "<p onclick='x'>a</p>", "</br>a",
    ],
)  # fmt: skip
def test_what_a_browser_would_put_right_is_left_to_the_tree(source: str) -> None:
    assert html_text._text_of_simple(source) is None
