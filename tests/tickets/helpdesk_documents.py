"""Documents as the interfaces of helpdesks give them: JSON and XML, with everything around the little that matters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from tests.tickets.helpdesk_rows import ROWS, SOLVED, Made, Right, at, ended, kind, person, then, topic, urgency
from tests.tickets.test_other_helpdesks import agent, body, subject, team

DOCUMENTS: dict[str, tuple[Made, Right]] = {}
ZULU = "%Y-%m-%dT%H:%M:%SZ"


def document(make: Callable[[int], object], wrap: Callable[[list[Any]], Any] = lambda rows: rows) -> Made:
    return lambda: ("export.json", json.dumps(wrap([make(n) for n in range(ROWS)]), ensure_ascii=False).encode())


def hexadecimal(n: int) -> str:
    return f"{n * 2654435761 % 2**32:08x}" * 4


def xml(rows: str, *, around: str) -> tuple[str, bytes]:
    return "export.xml", f'<?xml version="1.0" encoding="UTF-8"?><{around}>{rows}</{around.split()[0]}>'.encode()


def of_elements(element: str, make: Callable[[int], dict[str, object]]) -> str:
    return "".join(
        f"<{element}>{''.join(f'<{key}>{escape(str(value))}</{key}>' for key, value in make(n).items())}</{element}>"
        for n in range(ROWS)
    )


def redmine_xml() -> tuple[str, bytes]:
    rows = "".join(
        f'<issue><id>{n + 1}</id><project id="1" name="Support"/><tracker id="{n % 2}" name="{kind(n)}"/>'
        f'<status id="1" name="{"Closed" if ended(n) else "New"}"/><priority id="{n * 5 % 3}" name="{urgency(n)}"/>'
        f'<author id="{n}" name="{person(n)}"/><assigned_to id="{len(agent(n))}" name="{agent(n)}"/>'
        f'<category id="{n % 4}" name="{team(n)}"/><subject>{escape(subject(n))}</subject>'
        f"<description>{escape(body(n))}</description><start_date>2026-01-05</start_date>"
        f"<done_ratio>{n % 11}0</done_ratio><spent_hours>{n % 7}.0</spent_hours><is_private>false</is_private>"
        f'<custom_fields type="array"><custom_field id="1" name="Building"><value>{topic(n)}</value></custom_field>'
        f"</custom_fields><created_on>{at(n, ZULU)}</created_on>"
        f"<closed_on>{then(n, at(n, ZULU, hours=9))}</closed_on></issue>"
        for n in range(ROWS)
    )
    return xml(rows, around=f'issues total_count="{ROWS}" offset="0" limit="200" type="array"')


DOCUMENTS["ServiceNow, JSONv2 with display values beside"] = (
    document(lambda n: {
        "__status": "success", "sys_id": hexadecimal(n + 77), "number": f"INC{10_000 + n:07d}",
        "short_description": subject(n), "description": body(n), "priority": str(n * 5 % 4 + 1),
        "dv_priority": ("1 - Critical", "2 - High", "3 - Moderate", "4 - Low")[n * 5 % 4],
        "category": topic(n).lower(), "assignment_group": hexadecimal(n % 4), "dv_assignment_group": team(n),
        "assigned_to": hexadecimal(len(agent(n))), "dv_assigned_to": agent(n), "caller_id": hexadecimal(n + 900),
        "dv_caller_id": person(n), "sys_created_on": at(n), "opened_at": at(n),
        "sys_updated_on": at(n, hours=20), "sys_updated_by": "admin", "sys_mod_count": str(n % 9),
        "incident_state": "7" if ended(n) else "2", "active": str(not ended(n)).lower(),
        "close_code": then(n, "Solved"), "close_notes": then(n, SOLVED), "closed_at": then(n, at(n, hours=20)),
        "reassignment_count": str(n % 3), "reopen_count": "0", "made_sla": str(n % 2 == 0).lower(),
        "business_duration": then(n, f"1970-01-01 0{n % 9}:00:00"),
    }, lambda rows: {"records": rows}),
    Right("short_description", "description", "number", "opened_at",
          {"dv_priority", "category", "dv_assignment_group", "dv_assigned_to"},
          {"priority", "assignment_group", "assigned_to", "caller_id", "dv_caller_id", "sys_updated_by",
           "sys_mod_count", "incident_state", "active", "close_code", "close_notes", "reassignment_count",
           "made_sla", "business_duration"}),
)  # fmt: skip
DOCUMENTS["ServiceNow, XML of the table API"] = (
    lambda: xml(of_elements("result", lambda n: {
        "number": f"INC{10_000 + n:07d}", "short_description": subject(n), "description": body(n),
        "category": topic(n), "contact_type": ("email", "phone")[n % 2],
        "priority": ("1 - Critical", "2 - High", "3 - Moderate")[n * 5 % 3], "assignment_group": team(n),
        "assigned_to": agent(n), "opened_at": at(n), "close_notes": then(n, SOLVED), "closed_by": then(n, agent(n)),
        "state": "Closed" if ended(n) else "New", "calendar_duration": then(n, "3 Hours 4 Minutes"),
    }), around="response"),
    Right("short_description", "description", "number", "opened_at",
          {"category", "priority", "assignment_group", "assigned_to"},
          {"close_notes", "closed_by", "state", "calendar_duration"}),
)  # fmt: skip
DOCUMENTS["Zendesk, incremental export"] = (
    document(lambda n: {
        "url": f"https://acme.zendesk.example/api/v2/tickets/{n + 1}.json", "id": n + 35_000, "external_id": None,
        "via": {"channel": ("email", "web")[n % 2], "source": {"from": {"address": f"c{n}@globex.example",
                "name": person(n)}, "to": {"address": "support@acme.example"}, "rel": None}},
        "created_at": at(n, ZULU), "updated_at": at(n, ZULU, hours=9),
        "generated_timestamp": 1_767_600_000 + n * 25_200, "type": kind(n).lower(), "subject": subject(n),
        "raw_subject": subject(n), "description": body(n), "priority": urgency(n, "low", "normal", "high"),
        "status": "solved" if ended(n) else "open", "recipient": "support@acme.example",
        "requester_id": 380_000 + n, "submitter_id": 380_000 + n, "assignee_id": 990_000 + len(agent(n)),
        "organization_id": 70_000 + n % 9, "group_id": 50_000 + n % 4, "collaborator_ids": [], "has_incidents": False,
        "is_public": True, "due_at": None, "tags": [topic(n).lower(), ("vip", "eu")[n % 2]],
        "custom_fields": [{"id": 360_001, "value": topic(n)}, {"id": 360_002, "value": None}],
        "satisfaction_rating": {"score": ("good", "offered", "bad")[n % 3]}, "sharing_agreement_ids": [],
        "ticket_form_id": 12, "brand_id": 44, "allow_channelback": False,
    }, lambda rows: {"tickets": rows, "count": ROWS, "end_of_stream": True, "end_time": 1_767_999_999,
                     "next_page": None}),
    Right("subject", "description", "id", "created_at", {"type", "priority", "group_id", "assignee_id", "tags"},
          {"status", "satisfaction_rating.score", "requester_id", "submitter_id", "raw_subject", "generated_timestamp",
           "via.source.from.address", "via.source.from.name", "is_public"}),
)  # fmt: skip
DOCUMENTS["Zendesk, lines with nested comments and no description"] = (
    lambda: ("export.jsonl", "\n".join(json.dumps({
        "id": 900 + n, "subject": subject(n),
        "requester": {"id": n, "name": person(n), "email": f"c{n}@globex.example"},
        "assignee": {"id": 5, "name": agent(n), "email": "a@acme.example"}, "group": {"id": n % 4, "name": team(n)},
        "priority": urgency(n), "status": "closed" if ended(n) else "open", "created_at": at(n, ZULU),
        "comments": [
            {"id": 1, "public": True, "author_id": n, "created_at": at(n, ZULU), "plain_body": body(n)},
            {"id": 2, "public": True, "author_id": 5_000, "created_at": at(n, ZULU, hours=2),
             "plain_body": f"{SOLVED} {agent(n)}, {team(n)}"},
        ],
    }) for n in range(ROWS)).encode()),
    Right("subject", "comments", "id", "created_at", {"group.name", "priority", "assignee.name"},
          {"status", "requester.name", "requester.email", "assignee.email", "group.id"}),
)  # fmt: skip
DOCUMENTS["Freshdesk, tickets with their conversations"] = (
    document(lambda n: {
        "cc_emails": [], "fr_escalated": False, "spam": False, "email_config_id": 7, "group_id": 480_000 + n % 4,
        "priority": n * 5 % 4 + 1, "requester_id": 1_030_000 + n, "responder_id": 880_000 + len(agent(n)),
        "source": n % 3 + 1, "company_id": None, "status": 5 if ended(n) else 2, "subject": subject(n),
        "product_id": None, "id": n + 1, "type": kind(n), "due_by": at(n, ZULU, hours=72),
        "fr_due_by": at(n, ZULU, hours=24), "is_escalated": n % 9 == 0,
        "description": f"<div>{body(n)}</div>", "description_text": body(n),
        "custom_fields": {"cf_module": topic(n)}, "created_at": at(n, ZULU),
        "updated_at": at(n, ZULU, hours=9), "tags": [("vip", "eu")[n % 2]],
        "stats": {"resolved_at": then(n, at(n, ZULU, hours=9)), "reopened_at": None},
        "conversations": [{"body": f"<p>{SOLVED}</p>", "body_text": SOLVED, "incoming": False, "private": False,
                           "user_id": 5, "created_at": at(n, ZULU, hours=5)}],
    }),
    Right("subject", "description_text", "id", "created_at",
          {"group_id", "priority", "responder_id", "type", "tags", "custom_fields.cf_module"},
          {"status", "is_escalated", "requester_id", "fr_escalated", "conversations"}),
)  # fmt: skip
DOCUMENTS["Freshdesk, export of the account with notes"] = (
    document(lambda n: {"helpdesk_ticket": {
        "display_id": n + 1, "subject": subject(n), "description": body(n), "description_html": f"<p>{body(n)}</p>",
        "priority": n % 4 + 1, "priority_name": ("Low", "Medium", "High", "Urgent")[n % 4],
        "status_name": "Closed" if ended(n) else "Open", "ticket_type": kind(n), "responder_name": agent(n),
        "requester_name": person(n), "source_name": ("Email", "Portal")[n % 2], "created_at": at(n),
        "updated_at": at(n, hours=9), "isescalated": False, "deleted": False, "to_email": "support@acme.example",
        "notes": [{"helpdesk_note": {"body": f"{SOLVED} {team(n)}", "incoming": False, "private": True,
                                     "created_at": at(n, hours=3)}}],
        "tags": [{"name": topic(n)}],
    }}),
    Right("helpdesk_ticket.subject", "helpdesk_ticket.description", "helpdesk_ticket.display_id",
          "helpdesk_ticket.created_at",
          {"helpdesk_ticket.priority_name", "helpdesk_ticket.ticket_type", "helpdesk_ticket.responder_name",
           "helpdesk_ticket.tags"},
          {"helpdesk_ticket.status_name", "helpdesk_ticket.requester_name", "helpdesk_ticket.notes",
           "helpdesk_ticket.priority", "helpdesk_ticket.isescalated"}),
)  # fmt: skip
DOCUMENTS["Intercom, conversations with their parts"] = (
    document(lambda n: {
        "type": "conversation", "id": str(147_000 + n), "created_at": 1_767_600_000 + n * 25_200,
        "updated_at": 1_767_690_000 + n * 25_200, "waiting_since": None, "title": None,
        "source": {"type": "email", "id": f"m{n}", "delivered_as": "customer_initiated",
                   "subject": f"<p>{subject(n)}</p>",
                   "body": f"<p>{body(n)}</p>", "author": {"type": "user", "id": f"u{n}", "name": person(n),
                   "email": f"c{n}@globex.example"}, "url": None, "redacted": False},
        "admin_assignee_id": 60 + len(agent(n)), "team_assignee_id": str(700 + n % 4), "open": not ended(n),
        "state": "closed" if ended(n) else "open", "read": True, "priority": ("priority", "not_priority")[n % 2],
        "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": str(n % 4), "name": topic(n)}]},
        "conversation_rating": {"rating": n % 5 + 1, "remark": None}, "contacts": {"type": "contact.list", "contacts": [
            {"type": "contact", "id": f"u{n}"}]},
        "statistics": {"time_to_assignment": n * 7, "count_reopens": 0, "count_conversation_parts": 3},
        "conversation_parts": {"type": "conversation_part.list", "total_count": 1, "conversation_parts": [
            {"part_type": "comment", "body": f"<p>{SOLVED}</p>", "author": {"type": "admin", "name": agent(n)}}]},
    }, lambda rows: {"type": "conversation.list", "pages": {"type": "pages", "page": 1}, "total_count": ROWS,
                     "conversations": rows}),
    Right("source.subject", "source.body", "id", "created_at",
          {"admin_assignee_id", "team_assignee_id", "tags.tags", "priority"},
          {"state", "open", "conversation_rating.rating", "statistics.time_to_assignment", "source.author.name",
           "source.author.email"}),
)  # fmt: skip
DOCUMENTS["Help Scout, threads newest first"] = (
    document(lambda n: {
        "id": 7_000 + n, "number": n + 1, "threads": 2, "type": "email", "folderId": 5, "status": "closed",
        "state": "published", "subject": subject(n), "preview": SOLVED, "mailboxId": 40 + n % 4,
        "assignee": {"id": 3, "first": agent(n).split()[0], "last": agent(n).split()[1], "email": "x@acme.example"},
        "createdAt": at(n, ZULU), "closedAt": at(n, ZULU, hours=9),
        "closedBy": 3, "tags": [{"id": n % 4, "color": "none", "tag": topic(n)}], "cc": [], "bcc": [],
        "primaryCustomer": {"id": n, "first": person(n).split()[0], "last": person(n).split()[1],
                            "email": f"c{n}@globex.example"},
        "_embedded": {"threads": [
            {"id": 2, "type": "message", "createdBy": {"type": "user", "id": 3}, "body": f"<p>{SOLVED}</p>",
             "createdAt": at(n, ZULU, hours=3)},
            {"id": 1, "type": "customer", "createdBy": {"type": "customer", "id": n}, "body": f"<p>{body(n)}</p>",
             "createdAt": at(n, ZULU)}]},
    }, lambda rows: {"_embedded": {"conversations": rows}, "_links": {"self": {"href": "x"}},
                     "page": {"size": ROWS, "number": 1}}),
    Right("subject", "_embedded.threads", "number", "createdAt", {"tags", "assignee"},
          {"status", "state", "folderId", "closedBy", "primaryCustomer.email", "preview", "threads", "assignee.email"}),
)  # fmt: skip
DOCUMENTS["TOPdesk, its API"] = (
    document(lambda n: {
        "id": f"{n:08x}-9d1f-4c58-8be3-{n:012x}", "number": f"M2601 {n:03d}", "status": "firstLine",
        "briefDescription": subject(n), "request": f"05-01-2026 08:12 {person(n)}: \n{body(n)}",
        "caller": {"id": f"{n:08x}", "dynamicName": person(n), "branch": {"name": ("Delft", "Gouda")[n % 2]}},
        "category": {"id": f"{n * 7 % 9 % 4:08x}", "name": topic(n)}, "callType": {"id": "a", "name": kind(n)},
        "impact": {"id": "b", "name": ("Person", "Department")[n % 2]}, "priority": {"id": f"{n % 3}", "name":
            ("P1", "P2", "P3")[n % 3]}, "operator": {"id": f"{len(agent(n))}", "name": agent(n)},
        "operatorGroup": {"id": f"{n % 4:08x}", "name": team(n)}, "processingStatus": {"id": "c", "name": "Closed"},
        "creationDate": at(n, "%Y-%m-%dT%H:%M:%S.000+0000"), "completed": ended(n), "closed": ended(n),
        "completedDate": then(n, at(n, "%Y-%m-%dT%H:%M:%S.000+0000", hours=9)) or None, "onHold": False,
        "feedbackRating": n % 5 or None, "timeSpent": n % 40, "escalationStatus": None, "majorCall": False,
        "modificationDate": at(n, "%Y-%m-%dT%H:%M:%S.000+0000", hours=9), "modifier": {"id": "z", "name": agent(n + 1)},
    }),
    Right("briefDescription", "request", "number", "creationDate",
          {"category.name", "callType.name", "priority.name", "operator.name", "operatorGroup.name", "impact.name"},
          {"caller.dynamicName", "completed", "closed", "feedbackRating", "timeSpent", "modifier.name", "operator.id"}),
)  # fmt: skip
DOCUMENTS["Redmine, XML"] = (
    redmine_xml,
    Right("subject", "description", "id", "created_on",
          {"tracker.name", "priority.name", "assigned_to.name", "category.name"},
          {"status.name", "author.name", "done_ratio", "spent_hours", "closed_on"}),
)  # fmt: skip
DOCUMENTS["GitHub, its API"] = (
    document(lambda n: {
        "url": f"https://api.example/issues/{n}", "id": 2_000_000 + n, "node_id": f"I_{n}", "number": n + 1,
        "title": subject(n), "user": {"login": f"customer{n % 40}", "id": n % 40, "type": "User", "site_admin": False},
        "labels": [{"id": n % 4, "name": topic(n), "color": "d73a4a", "default": False, "description": "x"}],
        "state": "closed" if ended(n) else "open", "locked": False, "milestone": None, "comments": n % 7,
        "assignee": {"login": agent(n).split()[0].lower(), "id": 1, "type": "User"},
        "assignees": [{"login": agent(n).split()[0].lower(), "id": 1, "type": "User"}],
        "created_at": at(n, ZULU), "closed_at": then(n, at(n, ZULU)) or None,
        "author_association": ("NONE", "CONTRIBUTOR")[n % 2], "body": body(n), "state_reason": then(n, "completed")
        or None, "reactions": {"total_count": n % 3, "+1": n % 3, "-1": 0},
    }),
    Right("title", "body", "number", "created_at", {"labels", "assignee.login"},
          {"state", "user.login", "comments", "state_reason", "reactions.total_count"}),
)  # fmt: skip
DOCUMENTS["YouTrack, its API"] = (
    document(lambda n: {
        "idReadable": f"SUP-{n + 1}", "id": f"2-{n}", "summary": subject(n), "description": body(n),
        "created": 1_767_600_000_000 + n * 25_200_000, "updated": 1_767_690_000_000 + n * 25_200_000,
        "resolved": 1_767_690_000_000 + n if ended(n) else None, "$type": "Issue", "votes": n % 3,
        "reporter": {"fullName": person(n), "login": f"u{n}", "$type": "User"}, "commentsCount": n % 5,
        "tags": [{"name": ("vip", "eu")[n % 2], "$type": "Tag"}], "project": {"shortName": "SUP", "$type": "Project"},
        "customFields": [
            {"name": "Priority", "value": {"name": urgency(n, "Minor", "Normal", "Critical")}, "$type": "Single"},
            {"name": "Type", "value": {"name": kind(n)}, "$type": "Single"},
            {"name": "State", "value": {"name": "Fixed" if ended(n) else "Open"}, "$type": "State"},
            {"name": "Assignee", "value": {"name": agent(n)}, "$type": "User"},
            {"name": "Subsystem", "value": {"name": team(n)}, "$type": "Owned"},
            {"name": "Spent time", "value": {"presentation": f"{n % 9}h"}, "$type": "Period"}],
    }),
    Right("summary", "description", "idReadable", "created",
          {"tags", "customFields.Priority.name", "customFields.Type.name", "customFields.Assignee.name",
           "customFields.Subsystem.name"},
          {"customFields.State.name", "reporter.fullName", "votes", "commentsCount",
           "customFields.Spent time.presentation"}),
)  # fmt: skip
