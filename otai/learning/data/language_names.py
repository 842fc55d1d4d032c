"""What languages are called: codes of any case and form, names in several languages, all to one code."""

from __future__ import annotations

import re
import unicodedata

_CODES = (
    "aa ab af am ar as az be bg bn bo br bs ca co cs cy da de dz el en eo es et eu fa fi fj fo fr fy ga gd gl gn gu "
    "ha he hi hr hu hy id is it ja ka kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no oc "
    "pa pl ps pt ro ru rw sa sd si sk sl sm sn so sq sr st su sv sw ta te tg th tk tl tn tr tt ug uk ur uz vi xh yi "
    "yo zh zu "
)
CODES = frozenset(_CODES.split())
"""ISO 639-1."""

_THREE_LETTERS = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "nld": "nl", "dut": (
        "nl"
    ), "por": (
        "pt"
    ), "pol": (
        "pl"
    ),
    "ces": "cs", "cze": "cs", "tur": "tr", "rus": "ru", "swe": "sv", "dan": "da", "fin": "fi", "nor": "no", "hun": (
        "hu"
    ), "ron": (
        "ro"
    ), "rum": (
        "ro"
    ),
    "ell": "el", "gre": "el", "ara": "ar", "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "ukr": "uk", "slk": (
        "sk"
    ), "slo": (
        "sk"
    ), "slv": (
        "sl"
    ),
    "hrv": "hr", "srp": "sr", "bul": "bg", "est": "et", "lav": "lv", "lit": "lt", "cat": "ca",
}  # fmt: skip
"""ISO 639-2 of languages that have a code of two letters, so that both are one language."""

_NAMES = {
    "en": "english englisch anglais ingles inglese engels angielski",
    "de": "german deutsch allemand aleman tedesco duits niemiecki alemao",
    "fr": "french franzoesisch francais frances francese frans francuski",
    "es": "spanish spanisch espagnol espanol castellano spagnolo spaans hiszpanski espanhol",
    "it": "italian italienisch italien italiano italiaans wloski",
    "nl": (
        "dutch niederlaendisch neerlandais neerlandes holandes olandese nederlands holenderski niderlandzki flemish "
        "vlaams"
    ),
    "pt": "portuguese portugiesisch portugais portugues portoghese portugees portugalski brazilianportuguese",
    "pl": "polish polnisch polonais polaco polacco pools polski polones",
    "cs": "czech tschechisch tcheque checo ceco tsjechisch czeski cestina",
    "tr": "turkish tuerkisch turc turco turks turecki turkce",
    "ru": "russian russisch russe ruso russo rosyjski",
    "sv": "swedish schwedisch suedois sueco svedese zweeds szwedzki svenska",
    "da": "danish daenisch danois danes danese deens dunski dansk",
    "fi": "finnish finnisch finnois finlandes finlandese fins finski suomi",
    "no": "norwegian norwegisch norvegien noruego norvegese noors norweski norsk",
    "hu": "hungarian ungarisch hongrois hungaro ungherese hongaars wegierski magyar",
    "ro": "romanian rumaenisch roumain rumano rumeno roemeens rumunski romana",
    "el": "greek griechisch grec griego greco grieks grecki",
    "ar": "arabic arabisch arabe arabo arabski", "zh": (
        "chinese chinesisch chinois chino cinese chinees chinski mandarin"
    ),
    "ja": "japanese japanisch japonais japones giapponese japans japonski", "ko": (
        "korean koreanisch coreen coreano koreaans koreanski"
    ),
    "uk": "ukrainian ukrainisch ukrainien ucraniano ucraino oekraiens ukrainski", "gsw": "swissgerman schweizerdeutsch",
}  # fmt: skip
_CODE_OF_NAME = {name: code for code, names in _NAMES.items() for name in names.split()}

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "å": "a", "ł": "l", "œ": "oe", "đ": "d"}
)


def folded(name: str) -> str:
    """Lower case, umlauts written out, accents and everything but letters and digits dropped: "Erstellt am" ->
    "erstelltam"."""
    name = name.casefold()
    if not name.isascii():
        name = unicodedata.normalize("NFC", name).translate(_LETTERS)
        name = unicodedata.normalize("NFKD", name)
    return re.sub(r"[^0-9a-z]", "", name)


def language_code(value: str | None) -> str | None:
    """The ISO 639-1 code (639-2 where there is none, as for gsw) that a word means: "de", "DE-at", "deu", "German",
    "Deutsch"; else None."""
    if value is None:
        return None
    name = folded(value)
    if name in _CODE_OF_NAME:
        return _CODE_OF_NAME[name]
    whole = value.strip().casefold()
    primary = re.split(r"[-_ (]", whole, maxsplit=1)[0]
    primary = _THREE_LETTERS.get(primary, _CODE_OF_NAME.get(folded(primary), primary))
    if primary in CODES:
        return primary
    return primary if re.fullmatch(r"[a-z]{3}", primary) and primary == whole else None
