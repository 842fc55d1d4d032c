"""What people and programs write into a cell where there is nothing: no label is called so."""

from __future__ import annotations

MISSING_WORDS = frozenset({
    # data frames, databases, spreadsheets
    "nan", "null", "<na>", "nat", "nil", "\\n", "undefined", "#n/a", "#n/v", "#nv", "#ref!", "#value!", "#wert!",
    "#name?", "[null]", "(null)",
    "<null>", "n/a", "n.a.", "n. a.", "n/d", "n.d.", "n/v", "n.v.", "n.c.", "not set", "not "
    "available", "not applicable", "not "
    "specified",
    "unspecified", "(none)", "<none>", "-none-", "--none--", "(blank)", "(empty)", "<empty>", "(not set)", "(unknown)",
    # nobody works on it yet
    "not assigned", "unassigned", "(unassigned)", "nicht zugewiesen", "nicht zugeordnet", "non assigné", "non assignée",
    "non affecté", "non attribué", "sin asignar", "no asignado", "non assegnato", "non assegnata", "niet toegewezen",
    "nieprzypisane", "nieprzypisany", "nie przypisano", "não atribuído", "não atribuída", "não designado",
    # marks alone
    "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "??", "???", "_", "/", "*", "x.x",
    # German, Dutch, French, Spanish, Italian, Polish, Portuguese
    "k.a.", "k. a.", "k.a", "keine angabe", "keine angaben", "nicht gesetzt", "nicht angegeben", "nicht "
    "zutreffend", "(leer)", "leer", "entfällt",
    "n.v.t.", "n.v.t", "nvt", "niet van toepassing", "niet ingevuld", "onbekend (leeg)", "(leeg)", "leeg",
    "s/o", "s.o.", "s. o.", "n/c", "non renseigné", "non renseignée", "non défini", "sans objet", "(vide)", "vide",
    "s/d", "s.d.", "sin dato", "sin datos", "ninguno asignado", "sin especificar",
    "sin definir", "no aplica", "(vacío)", "non specificato", "non applicabile", "(vuoto)",
    "nie dotyczy", "nie określono", "b/d", "bd.", "b.d.", "nie podano", "non indicato", "non disponibile",
    "niet bekend (leeg)", "não informado",
    "não informada", "sem informação", "non précisé", "non précisée", "non communiqué", "ohne angabe", "o. a.", "o.a.",
    "no informado", "no disponible", "(puste)", "brak danych", "não aplicável", "não especificado", "não "
    "definido", "(vazio)",
})  # fmt: skip
"""Lower case. "None", "other" and "unknown" can be real answers and stay."""

_LONGEST = max(map(len, MISSING_WORDS))


def is_missing(text: str) -> bool:
    """Whether the cell says that there is nothing."""
    return len(text) <= _LONGEST and (not text or text.lower() in MISSING_WORDS)
