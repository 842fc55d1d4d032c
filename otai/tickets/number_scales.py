"""In which helpdesks a bare number says how urgent a ticket is, and 1 is the most urgent.

ServiceNow stores 1 for "1 - Critical", Freshdesk 1 for "Low": nothing in the numbers tells. What tells is whose export
it is, by the columns that only that helpdesk has.
"""

from __future__ import annotations

from collections.abc import Iterable

from otai.tickets.column_names import ColumnName

_SURE = frozenset({
    # ServiceNow, whatever else was exported.
    "sysid", "sysclassname", "syscreatedon", "syscreatedby", "sysupdatedon", "sysupdatedby", "sysmodcount", "sysdomain",
    "sysdomainpath", "cmdbci", "uonbehalfof", "madesla", "reassignmentcount",
    # Dynamics, iTop, Linear, Azure DevOps.
    "prioritycode", "severitycode", "finalclass", "calleridfriendlyname", "orgidfriendlyname", "prioritylabel",
    "workitemtype", "areapath", "iterationpath",
})  # fmt: skip
_TOGETHER: tuple[frozenset[str], ...] = (
    frozenset(("shortdescription", "assignmentgroup")),
    frozenset(("shortdescription", "openedat")),
)
"""Columns that stand beside each other in one helpdesk's tickets alone."""


def first_is_highest(columns: Iterable[ColumnName]) -> bool:
    """Whether the columns are of a helpdesk that numbers urgency from the most urgent on: ServiceNow, Dynamics, iTop,
    Linear, Azure DevOps."""
    told: set[str] = set()
    for name in columns:
        told.update((name.folded, name.last, "".join(name.core)))
    return not _SURE.isdisjoint(told) or any(together <= told for together in _TOGETHER)
