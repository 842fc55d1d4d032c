"""Tables on a phone: the words of a column's head stand beside each value."""

from __future__ import annotations

import pytest

from otai.web.cards import labelled

pytestmark = pytest.mark.pure


def test_each_value_has_the_words_of_its_columns_head() -> None:
    head = '<thead><tr><th scope="col">Run</th><th class="number">Price <b>net</b></th><td></td></tr></thead>'
    shown = labelled(
        f'<table>{head}<tbody><tr><th scope="row">3</th><td class="number">2</td><td>Cancel</td></tr></tbody></table>'
    )
    assert '<th scope="row">3</th>' in shown, "a row's own head is the card's title"
    assert '<td data-label="Price net" class="number">2</td>' in shown
    assert "<td>Cancel</td>" in shown
    assert head in shown


def test_what_spans_columns_or_has_a_head_that_is_only_heard_has_none() -> None:
    shown = labelled(
        '<table><thead><tr><th colspan="2">"A" &amp; B</th><th><span class="hidden-visually">Change</span></th></tr>'
        '</thead><tbody><tr><td>1</td><td title="a > b">2</td><td><button>Go</button></td></tr>'
        '<tr><td colspan="3">None</td></tr></tbody></table>'
    )
    assert '<td data-label="&quot;A&quot; &amp; B">1</td>' in shown
    assert '<td data-label="&quot;A&quot; &amp; B" title="a > b">2</td>' in shown
    assert "<td><button>" in shown and '<td colspan="3">None' in shown


def test_a_table_without_a_head_stays_as_it_is() -> None:
    table = "<table><tbody><tr><td>1</td></tr></tbody></table>"
    assert labelled(table) == table
