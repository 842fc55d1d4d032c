"""The vendor's colour in light and in dark: contrasts as WCAG 2.2 counts them, lightness as OKLCH has it (Björn
Ottosson, 2020). A colour is `#rrggbb`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from otai.environment import InvalidSetting

enough = 4.5
"""WCAG 2.2, 1.4.3: text of usual size, level AA."""

Lch = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Accent:
    """The shades of one colour that pages take, each `#rrggbb`: for words, when pointed at, behind buttons, on them,
    behind words."""

    words: str
    strong: str
    fill: str
    on_fill: str
    soft: str


def accents(light: str, dark: str) -> tuple[Accent, Accent] | None:
    """The shades for light and for dark pages; where `dark` is empty, they are made of `light`. None where nothing is
    set.

    Raises InvalidSetting for what is no `#rrggbb`, and for a colour in which words could not be read: with the nearest
    one of the same hue in which they can.
    """
    if not light and not dark:
        return None
    if not light:
        raise InvalidSetting("colour_light", setting="OTAI_COLOUR")
    for setting, given in (("OTAI_COLOUR", light), ("OTAI_COLOUR_DARK", dark)):
        if given and not re.fullmatch(r"#[0-9a-fA-F]{6}", given):
            raise InvalidSetting("colour", text=given, name=setting, setting=setting)
    lightness, chroma, hue = lch(light)
    soft = hexed((0.95, min(chroma, 0.022), hue))
    _readable(light, soft, setting="OTAI_COLOUR", step=-0.005)
    of_light = Accent(light, hexed((lightness - 0.065, chroma * 0.88, hue)), light, "#ffffff", soft)
    soft_dark = hexed((0.285, min(chroma, 0.04), hue))
    words = dark or _nearest(hexed((0.79, min(chroma, 0.105), hue)), soft_dark, step=0.005)
    _readable(words, soft_dark, setting="OTAI_COLOUR_DARK", step=0.005)
    lighter, chroma_dark, hue_dark = lch(words)
    on_fill = hexed((0.2, min(chroma_dark, 0.03), hue_dark))
    strong = hexed((min(lighter + 0.06, 0.97), chroma_dark, hue_dark))
    return of_light, Accent(words, strong, words, on_fill, soft_dark)


def style_sheet(light: str, dark: str) -> str:
    """The accent's variables of studio.css in the vendor's colours; empty where these are ours. Raises InvalidSetting,
    as `accents`."""
    found = accents(light, dark)
    if found is None:
        return ""
    names = {"": "words", "-strong": "strong", "-fill": "fill", "-soft": "soft"}
    of_light, of_dark = found
    shades = [
        f"--accent{name}: light-dark({getattr(of_light, shade)}, {getattr(of_dark, shade)});"
        for name, shade in names.items()
    ]
    return ":root { " + " ".join([*shades, f"--on-accent: light-dark({of_light.on_fill}, {of_dark.on_fill});"]) + " }\n"


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _readable(colour: str, behind: str, *, setting: str, step: float) -> None:
    if contrast(colour, behind) < enough:
        raise InvalidSetting(
            "colour_contrast",
            name=setting,
            text=colour,
            contrast=f"{contrast(colour, behind):.1f}",
            enough=f"{enough:.1f}",
            instead=_nearest(colour, behind, step=step),
            setting=setting,
        )


def _nearest(colour: str, behind: str, *, step: float) -> str:
    """Lighter or darker by steps, until it can be read. Black and white can, on any of our grounds."""
    lightness, chroma, hue = lch(colour)
    while contrast(colour, behind) < enough:
        lightness = min(1.0, max(0.0, lightness + step))
        colour = hexed((lightness, chroma, hue))
    return colour


def _linear(colour: str) -> tuple[float, float, float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lch(colour: str) -> Lch:
    """Lightness from 0 to 1, chroma and hue in degrees (OKLCH)."""
    red, green, blue = _linear(colour)
    l = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)  # noqa: E741 -- as its source names it
    m = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    s = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s
    b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s
    lightness = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def hexed(colour: Lch) -> str:
    """The colour as a screen shows it; where it shows none so strong, the strongest of this lightness and hue."""
    lightness, chroma, hue = colour
    while True:
        parts = _screen(lightness, chroma, hue)
        if chroma <= 0 or all(-0.0005 <= one <= 1.0005 for one in parts):
            return "#" + "".join(f"{round(min(1.0, max(0.0, one)) * 255):02x}" for one in parts)
        chroma = max(0.0, chroma - 0.002)


def _screen(lightness: float, chroma: float, hue: float) -> list[float]:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3  # noqa: E741 -- as its source names it
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )
    return [12.92 * one if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055 for one in linear]
