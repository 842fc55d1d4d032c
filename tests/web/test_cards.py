"""Tables on a phone: the words of a column's head stand beside each value. Every page is looked through in
`test_every_page.py`; here is what would be noticed."""

from __future__ import annotations

import pytest

from tests.web.labelled_cells import mislabelled

pytestmark = pytest.mark.pure

HEAD = (
    '<thead><tr><th scope="col">Run</th><th class="number">Price <b>net</b></th><th colspan="2">"A" &amp; B</th>'
    '<th><span class="hidden-visually">Change</span></th></tr></thead>'
)


def framed(cells: str, head: str = HEAD) -> str:
    return f'<div class="table-frame cards-on-phone"><table>{head}<tbody><tr>{cells}</tr></tbody></table></div>'


def test_each_value_has_the_words_of_its_columns_head() -> None:
    row = (
        '<th scope="row">3</th><td data-label="Price net">2</td><td data-label="&quot;A&quot; &amp; B">1</td>'
        '<td data-label="&quot;A&quot; &amp; B" title="a > b">2</td><td><button>Go</button></td>'
    )
    assert mislabelled(framed(row)) == []
    assert mislabelled(framed('<td colspan="5">None</td>')) == []
    assert mislabelled(framed("<td>1</td>", head="")) == [], "a table without a head"
    assert mislabelled(f"<table>{HEAD}<tbody><tr><td>1</td></tr></tbody></table>") == [], "is no card"


def test_a_value_without_its_label_or_under_another_is_noticed() -> None:
    assert mislabelled(framed('<th scope="row">3</th><td>2</td>')) == ["None under 'Price net'"]
    assert mislabelled(framed('<td data-label="Run">3</td><td data-label="Price">2</td>')) == [
        "'Price' under 'Price net'"
    ]
    assert mislabelled(framed('<td colspan="5" data-label="Run">None</td>')) == ["'Run' under ''"]
