"""Programs that call the API: acme's and globex's, each with a key of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client

from otai.orgs.models import Organisation
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Scope

ROOT = "/api/v1"


class Program:
    """A program with an API key. `get`, `post` ... take paths below /api/v1 and give (status, JSON)."""

    def __init__(
        self, organisation: Organisation, scopes: Iterable[Scope | str] = tuple(Scope), name: str = "program"
    ) -> None:
        made = create_api_key(
            organisation=organisation, name=name, scopes=scopes, who="alice@acme.example", now=datetime.now(tz=UTC)
        )
        self.key, self.secret = made.key, made.secret
        self.client = Client(headers={"Authorization": f"Bearer {made.secret}"}, raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, ROOT + path, headers=headers, **data)  # type: ignore[arg-type]

    def upload(self, path: str, content: bytes, content_type: str = "application/octet-stream", **headers: str) -> Any:
        """Held back until it is imported: a test in a transaction of its own has no other thread that could go on."""
        return self.client.generic(
            "POST", ROOT + path, content, content_type, headers={"Prefer": "wait=120", **headers}
        )

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return answered(self.call("GET", path, **headers))

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return answered(self.call("POST", path, body if body is not None else {}, **headers))


def answered(response: HttpResponseBase) -> tuple[int, Any]:
    content = getattr(response, "content", b"")
    return response.status_code, json.loads(content) if content else None
