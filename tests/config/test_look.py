"""A vendor's name, logo and colour: what is refused, and with what that would pass."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

from otai.config.colours import accents, contrast, enough, hexed, lch, style_sheet
from otai.config.look import logo, studio_name
from otai.environment import InvalidSetting
from otai.orgs.legal_places import legal_pages
from tests.web.visitors import browser

pytestmark = pytest.mark.pure

GROUNDS = {"light": ["#ffffff", "#f9f8f6"], "dark": ["#0b1416", "#131d1f", "#1b2628"]}


def test_black_on_white_has_the_contrast_that_wcag_names() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", ["#0f766e", "#7a1fa2", "#c8102e", "#000000", "#1d4ed8", "#336699"])
def test_words_are_readable_in_every_shade_of_a_colour_that_is_taken(colour: str) -> None:
    assert hexed(lch(colour)) == colour
    found = accents(colour, "")
    assert found
    for theme, one in zip(("light", "dark"), found, strict=True):
        for words in (one.words, one.strong):
            assert all(contrast(words, ground) >= enough for ground in [*GROUNDS[theme], one.soft])
            assert contrast(one.on_fill, words) >= enough


@pytest.mark.parametrize(
    ("light", "dark", "named"), [("#ffcc00", "", "OTAI_COLOUR"), ("#0f766e", "#0f3a36", "OTAI_COLOUR_DARK")]
)
def test_a_colour_that_is_too_pale_or_too_dark_is_refused_with_one_that_passes(
    light: str, dark: str, named: str
) -> None:
    with pytest.raises(InvalidSetting) as refused:
        accents(light, dark)
    assert refused.value.details["setting"] == named
    instead = refused.value.details["instead"]
    assert instead in str(refused.value)
    assert accents(instead, "") if not dark else accents(light, instead)


@pytest.mark.parametrize(("light", "dark"), [("teal", ""), ("#12345", ""), ("", "#ffffff"), ("#123456;}", "")])
def test_what_is_no_colour_is_refused(light: str, dark: str) -> None:
    with pytest.raises(InvalidSetting):
        accents(light, dark)


def png(width: int = 40, height: int = 20) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "#0f766e").save(made, "PNG")
    return made.getvalue()


def test_a_logo_is_a_small_png_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    huge = png()[:16] + struct.pack(">II", 5000, 10) + png()[24:]
    for wrong in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"\xff\xd8\xff jpeg", huge, png() + b"x" * 2**17):
        file.write_bytes(wrong)
        with pytest.raises(InvalidSetting):
            logo(str(file))
    with pytest.raises(InvalidSetting):
        logo(str(tmp_path / "none.png"))
    file.write_bytes(png())
    found = logo(str(file))
    assert found and (found.width, found.height) == (40, 20) and logo("") is None


def test_a_name_is_short_and_can_be_seen() -> None:
    assert (studio_name(""), studio_name(" Acme   Desk ")) == ("OTAI Studio", "Acme Desk")
    for wrong in ("x" * 61, "Acme\u202egro", "<b>Acme</b>", "a\nb@c"):
        with pytest.raises(InvalidSetting):
            studio_name(wrong)


def test_legal_pages_are_addresses_or_files_by_language() -> None:
    assert legal_pages("", setting="OTAI_TERMS") == {}
    both = legal_pages("en=https://vendor.example/terms?v=2, de=/etc/otai/agb.md", setting="OTAI_TERMS")
    assert both == {"en": "https://vendor.example/terms?v=2", "de": "/etc/otai/agb.md"}
    assert legal_pages("https://vendor.example/imprint", setting="OTAI_IMPRINT") == {
        "": "https://vendor.example/imprint"
    }
    for wrong in (
        "terms.md",
        "/etc/passwd",
        "javascript:alert(1)",
        "en=/a.md,en=/b.md",
        'https://x.example/"><script>',
    ):
        with pytest.raises(InvalidSetting):
            legal_pages(wrong, setting="OTAI_TERMS")


@pytest.mark.django_db
def test_pages_are_under_the_vendors_name_logo_and_colour_and_fetch_nothing_from_elsewhere(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(png())
    settings.OTAI_NAME, settings.OTAI_LOGO_PICTURE = "Acme Desk", logo(str(file))
    settings.OTAI_COLOUR_SHEET = style_sheet("#7a1fa2", "")
    visitor = browser()
    answer = visitor.get("/account/login/")
    page = answer.content.decode()
    assert "Acme Desk</title>" in page and "OTAI Studio" not in page
    address = f"/studio/logo-{settings.OTAI_LOGO_PICTURE.digest}.png"
    assert f'<img src="{address}"' in page
    picture = visitor.get(address)
    assert (picture.content, picture["Content-Type"]) == (png(), "image/png")
    assert "immutable" in picture["Cache-Control"]
    linked = re.search(r'href="(/studio/colours-\w+\.css)"', page)
    assert linked
    sheet = visitor.get(linked.group(1))
    assert "--accent: light-dark(#7a1fa2, #" in sheet.content.decode() and sheet["Content-Type"].startswith("text/css")
    assert "immutable" in sheet["Cache-Control"]
    assert "'self'" in answer["Content-Security-Policy"] and "http" not in answer["Content-Security-Policy"]
    settings.OTAI_LOGO_PICTURE, settings.OTAI_COLOUR_SHEET = None, ""
    assert (
        visitor.get(address).status_code == 404
        and "/studio/logo-" not in visitor.get("/account/login/").content.decode()
    )
