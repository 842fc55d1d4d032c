"""Idempotency keys: a request that comes twice, because a line broke or a finger was quick, does its work once.

The caller makes up the key, 1 to 200 characters, for each thing that they want done. The key is bound to a hash of the
request: the same key and request get the first answer again (`Idempotency-Replayed: true`), the same key with another
request is refused. Only answers of what was done are kept: after a refusal nothing was written, and trying again with
the same key is what the caller should do.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from otai.api.access import KeyedCallerRequest
from otai.api.models import KeyedRequest
from otai.api.people import as_told
from otai.api.waiting import address_of, job_out
from otai.db import utc_now
from otai.errors import Invalid, Refused
from otai.jobs.models import Job

log = logging.getLogger(__name__)

kept_for = timedelta(days=7)
abandoned_after = timedelta(minutes=15)
"""A request that has no answer by then died with its process; whoever repeats it may do it anew."""


class IdempotencyKeyReused(Refused):
    code = "duplicate_request"


class InProgress(Refused):
    code = "request_in_progress"


class InvalidKey(Invalid):
    code = "invalid_idempotency_key"


class IdempotencyKeyMissing(Invalid):
    code = "idempotency_key_missing"


class AnswerDeleted(Refused):
    code = "answer_deleted"


def forget_answers(organisation: UUID, data_sets: Sequence[UUID]) -> int:
    """Takes the answers that speak of data sets whose tickets are deleted; their keys still do nothing twice. Returns
    how many."""
    named = [str(one) for one in data_sets]
    rows = KeyedRequest.objects.filter(organisation=organisation, answer__isnull=False)
    speak = [row.id for row in rows.iterator() if any(one in json.dumps(row.answer) for one in named)]
    return KeyedRequest.objects.filter(id__in=speak).update(answer=None)


def key_of(request: KeyedCallerRequest, *, required: bool = False) -> str:
    """The key that came with the request, or "". Raises InvalidKey, and KeyMissing where money is spent without one."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise InvalidKey("form", field="Idempotency-Key")
    if required and not key:
        raise IdempotencyKeyMissing("missing", field="Idempotency-Key")
    return key


def means_again(request: KeyedCallerRequest, again: bool | None) -> bool:
    """Whether an equal order is meant as another one: as it says itself, or by a key of its own. Raises InvalidKey."""
    return bool(key_of(request)) if again is None else again


def once(
    request: KeyedCallerRequest,
    work: Callable[[], Any],
    *,
    status: int = 201,
    content_sha256: str = "",
    secret: str = "",
    required: bool = False,
) -> HttpResponse:
    """The answer of `work` as JSON with `status`, worked out now or before.

    Work that goes on after the request gives its job: the answer is 202 then. `content_sha256` stands for a body that
    was not kept in memory. `secret` names a field of the answer that is shown once, with dots where it lies deeper:
    what is kept says null there.
    """
    key = key_of(request, required=required)
    if not key:
        return _response(request, *_answered(work(), status))
    caller, now = request.auth.keyed_by, utc_now()
    asked = _hash_of(request, content_sha256)
    KeyedRequest.objects.filter(**caller, made_at__lt=now - kept_for).delete()
    try:
        with transaction.atomic():
            mine = KeyedRequest.objects.create(**caller, key=key, request_sha256=asked, made_at=now)
    except IntegrityError:
        before = KeyedRequest.objects.filter(**caller, key=key).first()
        if before is None or not _taken_over(before, asked, now=now):
            return _repeated(request, before, asked, key)
        mine = before
    try:
        answer, status = _answered(work(), status)
    except BaseException:
        # Nothing was written by it, so the key stands for nothing yet.
        KeyedRequest.objects.filter(id=mine.id).delete()
        raise
    kept = _without(answer, secret.split(".")) if secret else answer
    KeyedRequest.objects.filter(id=mine.id).update(status=status, answer=kept)
    return _response(request, answer, status)


def _without(answer: Any, path: list[str]) -> Any:
    """The answer with null where the path leads to something; as it is where there is nothing to hide."""
    if not isinstance(answer, dict) or not answer.get(path[0]):
        return answer
    name, *deeper = path
    return {**answer, name: _without(answer[name], deeper) if deeper else None}


def _taken_over(found: KeyedRequest, asked: str, *, now: datetime) -> bool:
    if found.status is not None or found.request_sha256 != asked or found.made_at > now - abandoned_after:
        return False
    # Of several who repeat it at this moment, the one that moves the time does the work.
    return bool(
        KeyedRequest.objects.filter(id=found.id, made_at=found.made_at, status__isnull=True).update(made_at=now)
    )


def _repeated(request: KeyedCallerRequest, found: KeyedRequest | None, asked: str, key: str) -> HttpResponse:
    if found is not None and found.request_sha256 != asked:
        raise IdempotencyKeyReused("reused", key=key)
    if found is None or found.status is None:
        raise InProgress("under_way", key=key)
    if found.answer is None:
        raise AnswerDeleted("deleted", key=key)
    response = _response(request, found.answer, found.status)
    response["Idempotency-Replayed"] = "true"
    return response


def _hash_of(request: HttpRequest, content_sha256: str) -> str:
    digest = hashlib.sha256()
    for part in (request.method or "", request.path, request.META.get("QUERY_STRING", ""), content_sha256):
        digest.update(part.encode(errors="replace") + b"\n")
    if not content_sha256:
        digest.update(request.body)
    return digest.hexdigest()


def _answered(answer: Any, status: int) -> tuple[Any, int]:
    """What `work` gave, and with which status: a job stands for an answer that comes later."""
    return (_jsonable(job_out(answer)), 202) if isinstance(answer, Job) else (_jsonable(answer), status)


def _jsonable(answer: Any) -> Any:
    dumped = answer.model_dump() if hasattr(answer, "model_dump") else answer
    return json.loads(json.dumps(dumped, cls=DjangoJSONEncoder))


def _response(request: KeyedCallerRequest, answer: Any, status: int) -> HttpResponse:
    # What is kept is whole; whoever asks again may be another key of the organisation.
    told = json.dumps(as_told(request.auth, answer), ensure_ascii=False)
    response = HttpResponse(told, status=status, content_type="application/json")
    if status == 202:
        response["Location"], response["Retry-After"] = address_of(answer["id"]), "1"
    return response
