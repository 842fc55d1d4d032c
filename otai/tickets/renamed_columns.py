"""Columns of a later file that are called otherwise and mean the same as one of the tickets before: "Gruppe" for
"Group", "group_name" for "group". Their labels are those of the attribute that is there.

Two columns mean the same where their names are translations of one word, or differ only in words that say how a value
is written. Where a file has two columns of one meaning, or the tickets two attributes, nothing tells which is which,
and none is taken for the other.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence

from otai.tickets.column_names import folded, name_of
from otai.tickets.columns import AttributeColumns, ColumnRoles

_TRANSLATIONS = (
    "group gruppe groupe grupo gruppo groep grupa assignmentgroup assignedgroup bearbeitergruppe supportgroup "
    "supportgruppe zuweisungsgruppe grouped'affectation grupodeasignacion gruppodiassegnazione behandelaarsgroep",
    "team equipe equipo squadra zespol teamassigned assignedteam",
    "queue warteschlange wachtrij cola coda kolejka fila filedattente",
    "category kategorie categorie categoria kategoria",
    "subcategory unterkategorie souscategorie subcategoria sottocategoria subcategorie podkategoria",
    "type typ tipo soort rodzaj tickettype ticketart tickettyp issuetype requesttype tipodeticket typedeticket",
    "priority prio prioritaet prioritat priorite prioridad priorita prioriteit priorytet prioridade",
    "urgency dringlichkeit urgence urgencia urgenza urgentie pilnosc",
    "impact auswirkung impacto impatto wplyw",
    "severity schweregrad gravite gravedad gravita gravidade",
    "department abteilung departement departamento reparto dipartimento afdeling dzial",
    "service dienst servicio servizio servico usluga",
    "product produkt produit producto prodotto produto",
    "component komponente composant componente onderdeel komponent",
    "assignee assignedto assignedagent agent bearbeiter zugewiesenan assignea agentassigne tecnico tecnicoasignado "
    "asignadoa agente assegnatoa behandelaar toegewezenaan przypisanydo atribuidoa responsavel zustaendiger technician",
    "tags tag schlagworte schlagwoerter stichworte etiquettes etiquetas etichette tagi labels",
    "channel kanal canal canale kanaal",
)
_MEANING = {word: words.split()[0] for words in _TRANSLATIONS for word in words.split()}
_HOW_IT_IS_WRITTEN = frozenset(("name", "label", "title", "display", "value", "formatted", "text"))


def renamed(roles: ColumnRoles, columns: Sequence[str], taken: frozenset[str]) -> dict[str, AttributeColumns]:
    """By column of a later file the attribute of the tickets before that it means: columns that are not known by their
    name, for attributes of which the file has none. Columns that are `taken` have a use already."""
    there = {folded(column) or column for column in columns}
    lacking: dict[str, list[AttributeColumns]] = defaultdict(list)
    for found in roles.attributes:
        if len(found.columns) == 1 and (folded(found.columns[0]) or found.columns[0]) not in there:
            lacking[meaning(found.columns[0])].append(found)
    known = {folded(column) or column for column in (*roles.used, *taken)}
    new: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        if (folded(column) or column) not in known:
            new[meaning(column)].append(column)
    return {
        new[means][0]: attributes[0]
        for means, attributes in lacking.items()
        if means and len(attributes) == 1 and len(new.get(means, ())) == 1
    }


def meaning(column: str) -> str:
    """What a column is about, in one word for all languages; "" where its name has no words."""
    core = name_of(column).core
    words = tuple(word for word in core if word not in _HOW_IT_IS_WRITTEN) or core
    together = "".join(words)
    return _MEANING.get(together, together)


def with_renamed(known: ColumnRoles, renamed_columns: dict[str, AttributeColumns]) -> ColumnRoles:
    """The roles of a later file, its renamed columns among them."""
    more = tuple(dataclasses.replace(found, columns=(column,)) for column, found in renamed_columns.items())
    return dataclasses.replace(
        known, attributes=(*known.attributes, *more), confirmed=(*known.confirmed, *renamed_columns)
    )
