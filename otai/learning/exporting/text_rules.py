"""What training cut from texts and masked in them: beside an exported network, which reads what it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from otai.learning.data.cuts.cutting import TextRules, as_learnt

TEXT_RULES = "text_rules.json"


def write_text_rules(rules: TextRules | None, folder: Path) -> None:
    """Nothing is written where nothing was cut."""
    if rules is not None:
        (folder / TEXT_RULES).write_text(json.dumps(rules.as_dict(), indent=1), encoding="utf-8")


def texts_as_learnt(folder: Path | str, texts: Sequence[str]) -> list[str]:
    """The texts of new tickets (subject, line feed, body) as the network in the exported folder has to read them.

    Markup is read as text. Signatures, earlier mails and what gave labels away are cut, personal data is masked, where
    the training did so. Raises OSError for a folder that is not there.
    """
    path = Path(folder) / TEXT_RULES
    if not path.exists() and Path(folder).is_dir():
        return as_learnt(texts, None)
    return as_learnt(texts, TextRules.from_dict(json.loads(path.read_text(encoding="utf-8"))))


def said_of(rules: TextRules | None) -> str:
    """For the README of a folder: what has to happen to a text before the network reads it."""
    done = ["read HTML, wiki markup and wrongly read letters as the text they mean"]
    if rules is None:
        return _SAID.format(what=done[0], where="")
    cut = [_CUT[kind] for kind in rules.kinds if kind in _CUT]
    if given := len(rules.lines) + len(rules.phrases):
        cut.append(f"lines and phrases that gave labels away ({given:,})")
    done += [f"cut {', '.join(cut)}"] if cut else []
    if rules.masked:
        done.append(f"replaced personal data ({', '.join(rules.masked)}) by its kind")
    where = f" The rules are in `{TEXT_RULES}`: no word of any ticket is in them."
    return _SAID.format(what="; ".join(done), where=where)


_CUT = {
    "quoted": "earlier mails of the conversation",
    "signature": "signatures",
    "disclaimer": "notices of confidentiality",
    "footer": "footers of mobile phones",
}
_SAID = """**Before it reads a text.** Training {what}. Do the same to every new text, or its labels are worse than
measured.{where} `pip install otai` does it:

```python
from otai.learning.exporting import texts_as_learnt

texts = texts_as_learnt("PATH/OF/THIS/FOLDER", ["Subject\\nThe body as it came"])
```

"""
