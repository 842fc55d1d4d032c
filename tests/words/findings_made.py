"""`python -m tests.words.findings_made`: writes down the figures of the findings in `finding_stories.py`. What changed
in the file is looked through (`git diff`) before it is kept."""

from __future__ import annotations

import json
import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otai.config.settings")
    django.setup()
    from tests.words.finding_stories import FIGURES, figures

    lines = ",\n".join("  " + json.dumps(one, ensure_ascii=False) for one in figures())
    FIGURES.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
