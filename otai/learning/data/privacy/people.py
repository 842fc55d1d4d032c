"""Names of people in a text, where their place says that they are some: below or behind a greeting, behind a title,
behind what a desk writes before them ("passed to", "Bearbeiter:").

Two capitals in a row are no name by themselves: "Das WLAN", "Le VPN" and "Microsoft Teams" are what customers write
about, and stand in the middle of their sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from otai.learning.data.mail_patterns import SIGN_OFF


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAME = r"[A-ZÀ-ÖØ-ÞĄĆĘŁŃŚŹŻČŠŽĐĞİŐŰŘŤĽ](?:[^\W\d_]{1,24}(?:['\u2019-][^\W\d_]{1,24}){0,2}|\.)"
_PARTICLE = r"(?:von|van|de|der|den|del|della|di|da|dos|du|la|le|el|zu|ter|ten)"
_CAPITALS = re.compile(rf"(?<![\w@]){_NAME}(?:[ \t](?:{_PARTICLE}[ \t]){{0,2}}{_NAME}){{0,5}}")
_GREETING = (
    r"regards|gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)|mfg|vg|lg|cheers|thanks|thank you|sincerely|best|danke|dank|"
    r"cordialement|salutations|merci|saludos?|atentamente|gracias|saluti|grazie|groet(?:en)?|bedankt|poważaniem|"
    r"pozdrawiam|pozdrowienia|dziękuję|atenciosamente|cumprimentos|obrigad[oa]"
)
_IS_GREETING = re.compile(rf"(?:{_GREETING}|kind|beste|viele|liebe|many|warm)", re.IGNORECASE)
_BEHIND_GREETING = re.compile(rf"\b(?P<word>{_GREETING})[,.!]?[ \t]+$", re.IGNORECASE)
_ENDS = re.compile(r"[ \t]*(?:$|[,;|(/.\u2013\u2014-])", re.MULTILINE)
"""Behind the name below or behind a greeting stands nothing more of a sentence."""
_BEFORE = (
    r"agent(?:e|in)?|bearbeiter(?:in)?|sachbearbeiter(?:in)?|technician|techniker(?:in)?|technicien(?:ne)?|técnico|tecnico|"
    r"operator|operador|operatore|behandelaar|colleague|kolleg(?:e|in|en)|collègue|collega|colega|konsultant|signed|"
    r"assignee|owner|(?:passed|handed|assigned|forwarded|given|transferred|escalated)(?: over)? to|"
    r"(?:handled|answered|processed) by|(?:weitergeleitet|weitergegeben|übergeben|zugewiesen|abgegeben) an|"
    r"(?:bearbeitet|beantwortet) von|(?:transmis|transféré|assigné|confié)e? à|(?:traité|répondu)e? par|"
    r"(?:asignad|enviad|derivad|pasad)[oa] a|atendid[oa] por|(?:passat|assegnat|inoltrat)[oa] a|gestit[oa] da|"
    r"(?:doorgestuurd|toegewezen|doorgegeven) (?:aan|naar)|behandeld door|(?:przekazan|przypisan)[eoya] do|"
    r"obsługiwan[eya] przez|(?:encaminhad|atribuíd|passad)[oa] (?:a|para)"
)
_IS_BEFORE = re.compile(_BEFORE, re.IGNORECASE)
_BEHIND_A_WORD = re.compile(rf"\b(?:{_BEFORE})[:\-]?[ \t]+$", re.IGNORECASE)
_ENDS_OF_WORDS_BEFORE = _words("to by an von à par a por da aan naar door do przez para")
_TITLES = _words(
    "herr herrn frau mr mrs ms mme mlle monsieur madame sr sra señor señora sig signor signora dhr mevr mevrouw "
    "pan pani panem panią senhor senhora dr prof "
)
LOOKED_BACK = 40
"""Characters before a name."""
LINES_BELOW = 4
"""So far below a greeting a name is looked for, where only short lines stand between."""
_SHORT_LINE = 60
NO_NAMES = _words(
    # Articles, pronouns, prepositions and the like in eight languages, which begin a sentence with a capital.
    "the a an this that these those my our your his her its their we you they it there here in on at of for "
    "from with by to as if when while since after before and but or so no not all any some please hello hi dear "
    "good best kind many thanks thank team support service help desk der die das den dem des ein eine einen "
    "einem einer dieser diese dieses diesen mein meine meinen meinem unser unsere unseren ihr ihre sein seine "
    "wir ich sie er es im am auf aus bei beim mit nach seit von vom vor zu zum zur für über unter und aber oder "
    "wenn weil dass kein keine alle bitte hallo guten gute liebe lieber sehr kunde le la les l un une du de d "
    "ce cet cette ces mon ma mes notre nos votre vos leur leurs son sa ses je nous vous il elle ils elles en "
    "dans sur sous avec sans pour par depuis après avant et mais ou si quand tous toutes bonjour bonsoir cher "
    "chère merci équipe el los las lo una unos unas este esta estos estas ese esa mi mis nuestro nuestra su sus "
    "yo nosotros con sin por para desde hasta según y pero o cuando todos todas hola buenos buenas estimado "
    "estimada gracias equipo gli i uno un' questo questa questi queste quel quella mio mia nostro nostra suo "
    "sua noi voi loro per tra fra dal dalla nel nella sul sulla al alla del della dei delle e se quando tutti "
    "tutte buongiorno salve gentile grazie het een deze dit dat mijn onze ons jullie uw hun zijn haar wij ik "
    "jij zij op bij met naar van voor sinds over onder maar als wanneer geen beste geachte graag bedankt ten ta "
    "te ci moja mój moje mojego nasza nasz nasze wasz wasza jego jej wy oni w na do od z ze za po przed przez "
    "dla bez pod nad ale lub czy gdy kiedy jeśli wszystkie proszę dzień dobry witam cześć os um uma uns umas "
    "estes esse essa isso meu minha nosso nossa seu nós eles nas ao aos da dos pelo pela com sem até em mas olá "
    "bom boa caro cara prezado prezada "
)


def people_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Of each name that stands where names of people do the greeting before it ("" for none) and its words; of one
    word only behind a greeting, where it may be a first name."""
    for run in _CAPITALS.finditer(text):
        words = run[0].split()
        greeting, is_sure = _said_before(text[max(run.start() - LOOKED_BACK, 0) : run.start()])
        begins = 0
        for word in words:
            if word.rstrip(".").casefold() in _TITLES or _IS_BEFORE.fullmatch(word):
                is_sure = True
            elif _IS_GREETING.fullmatch(word):
                greeting = word
            else:
                break
            begins += 1
        is_name = is_sure or (bool(greeting) and _ENDS.match(text, run.end()) is not None)
        if is_name and _are_names(words[begins:]) and (greeting or len(words) > begins + 1):
            yield greeting, words[begins:]
    yield from _below_greetings(text)


def _said_before(before: str) -> tuple[str, bool]:
    """The greeting that the text in front of a name ends in, "" for none, and whether it says that a person follows."""
    last = before.rstrip(" \t:,.!-").rpartition(" ")[2].rpartition("\n")[2]
    if not last or not before[-1:].isspace():
        return "", False
    if _IS_GREETING.fullmatch(last) or last == "you":
        greeted = _BEHIND_GREETING.search(before)
        return (greeted["word"] if greeted is not None else ""), False
    may_be_sure = last in _ENDS_OF_WORDS_BEFORE or _IS_BEFORE.fullmatch(last) is not None
    return "", may_be_sure and _BEHIND_A_WORD.search(before) is not None


def _below_greetings(text: str) -> Iterator[tuple[str, list[str]]]:
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if len(line) < 2 or not ((len(line) <= _SHORT_LINE and SIGN_OFF.match(line)) or _said_before(f"{line} ")[0]):
            continue
        for below in [one.strip() for one in lines[at + 1 :] if one.strip()][:LINES_BELOW]:
            if len(below) > 2 * _SHORT_LINE:
                break
            run = _CAPITALS.match(below)
            words = run[0].split() if run is not None and _ENDS.match(below, run.end()) else []
            if len(words) > 1 and _are_names(words):
                yield "", words


def _are_names(words: list[str]) -> bool:
    """Whether they may be a person's: no abbreviation (VPN), and neither the first nor the last is an article or the
    like."""
    if not words or any(len(word) > 2 and word.isupper() for word in words):
        return False
    return not any(word.casefold() in NO_NAMES for word in (words[0], words[-1]))
