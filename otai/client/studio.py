from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote as quoted
from urllib.parse import urlsplit

import httpx

from otai.client import sending
from otai.client.answers import Balance, DataSet, ModelVersion, Prediction, Quote, Run
from otai.client.refusals import TRY_AGAIN, asked_wait, backoff, error_in, refusal
from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable

JOB_ERRORS: dict[str, type[OtaiError]] = {each.kind: each for each in (Invalid, NotFound, Refused, Unavailable)}
tries = 5
longest_wait_seconds = 60.0
upload_seconds = 900.0
wait_seconds = 20
"""So long the Studio may hold an answer back; what takes longer is looked at from time to time."""
job_poll_seconds = 1.0
poll_seconds = 2.0


class Studio:
    """A Studio at `url`, as the organisation whose API key this is. Without arguments: `OTAI_URL` and
    `OTAI_API_KEY`."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = (url or os.environ.get("OTAI_URL", "")).rstrip("/")
        key = key or os.environ.get("OTAI_API_KEY", "")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("form", url=url, code="invalid_url")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise Invalid("not_https", code="invalid_url")
        if not key:
            raise NotAllowed("no_key", code="not_signed_in")
        self.url = url
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json", "User-Agent": "otai-client"},
            timeout=httpx.Timeout(timeout, connect=10.0),
            transport=transport,
        )

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that are kept open."""
        self._http.close()

    # Credits

    def organisation(self) -> dict[str, Any]:
        """Tier, balance, warnings."""
        return dict(self._get("/organisation"))

    def balance(self) -> Balance:
        """The organisation's credits, as of now."""
        return Balance.of(self._get("/balance"))

    def statement(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Every movement of credits, the newest first; `since`, `until` and `kind` as the API takes them."""
        return self._pages("/statement", filters)

    def notifications(self) -> Iterator[dict[str, Any]]:
        """What whoever made the key was told in the last 30 days, the newest first."""
        return self._pages("/notifications", {})

    def notification_choices(self) -> list[dict[str, Any]]:
        """What whoever made the key is told, and how: `kind`, `meaning`, `mail`, `in_browser`, `above_credits`."""
        return list(self._get("/notifications/choices")["items"])

    def choose_notification(
        self,
        kind: str,
        *,
        mail: str | None = None,
        in_browser: bool | None = None,
        above_credits: int | None = None,
    ) -> dict[str, Any]:
        """Changes what is given of one kind; `mail`: `at_once`, `daily` or `off`."""
        given = {"mail": mail, "in_browser": in_browser, "above_credits": above_credits}
        body = {name: value for name, value in given.items() if value is not None}
        return dict(self._json(lambda: self._http.put(f"/notifications/choices/{quoted(kind, safe='')}", json=body)))

    def check_document(self, path: Path | str) -> dict[str, Any]:
        """Holds an invoice or credit note that somebody was given, a PDF or its XML, against the books: `invoice`,
        `verdict` and `differences`, as `POST /invoices/check` has them. Raises NotFound for another organisation's."""
        return self._upload("/invoices/check", Path(path), {})

    def price(self, attributes: int, *, mode: str = "basic", delivery: str = "standard") -> dict[str, Any]:
        """What a training would cost; writes nothing."""
        return dict(self._get("/price", {"attributes": attributes, "mode": mode, "delivery": delivery}))

    # Tickets

    def import_tickets(
        self,
        path: Path | str,
        *,
        name: str = "",
        skip_bad_rows: bool = False,
        add: bool = False,
        keep_quotes: bool = False,
        mask: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
        on_job: Callable[[Mapping[str, Any]], None] | None = None,
        **reading: Any,
    ) -> DataSet:
        """Uploads a file and imports it; `on_progress(bytes sent, bytes in all)`, then `on_job(job)` with id, status,
        place, progress, from the moment the file is there. A large file is sent in parts (`sending`): a broken
        connection goes on by itself, and a program that was ended goes on when it sends the same file again.

        `add`: to the newest version of `name`; `keep_quotes`: cut no earlier mails and signatures; `mask`: personal
        data by its kind. `reading`: column, attribute, multi, ordered, ignore (lists), encoding, delimiter, sheet,
        header, dates. Raises Invalid (`dataset_invalid`, with the rows) and what the API refuses with.
        """
        asked = {"name": name, "filename": Path(path).name, "skip_bad_rows": skip_bad_rows, **reading}
        # Only what was asked for: a Studio of before knows none of them.
        asked |= {key: True for key, wanted in (("add", add), ("keep_quotes", keep_quotes), ("mask", mask)) if wanted}
        held_back = 0 if on_job is not None else wait_seconds
        path, key = Path(path), _new_key()
        upload = sending.send(self._http, path, sleep=self._sleep, on_progress=on_progress)
        if upload is None:
            raw = self._upload("/data-sets", path, asked, key=key, on_progress=on_progress, held_back_seconds=held_back)
        else:
            raw = self._import_arrived(upload, asked, key=key, held_back_seconds=held_back)
        if _is_job(raw):
            if on_job is not None:
                on_job(raw)
            try:
                job = self.wait_for_job(raw["id"], on_job=on_job)
            except (KeyboardInterrupt, SystemExit):
                if upload is not None:
                    self._give_up(upload)
                raise
            raw = self._get(f"/data-sets/{job['result']['data_set']}")
        return DataSet.of(raw)

    def _give_up(self, upload: str) -> None:
        """Whoever stops an import wants nothing of it kept; who stops the sending goes on with it later."""
        with suppress(OtaiError):
            self._delete(f"/uploads/{upload}", {})

    def preview_columns(self, path: Path | str, **reading: Any) -> dict[str, Any]:
        """What each column would be taken for."""
        raw = self._upload("/data-sets/preview", Path(path), {"filename": Path(path).name, **reading})
        return dict(self.wait_for_job(raw["id"])["result"]) if _is_job(raw) else raw

    def expected_quality(self, data_set: uuid.UUID | str, *, maximum: bool = False) -> list[dict[str, Any]]:
        """By attribute, what each mode would probably reach, before anything is ordered. Tried once for each version: a
        few seconds, and with `maximum` a minute or two."""
        path = f"/data-sets/{data_set}/expected-quality" + ("?maximum=true" if maximum else "")
        # The trial of Maximum follows the other.
        while _is_job(raw := self._get(path)):
            self.wait_for_job(raw["id"])
        return list(raw["items"])

    def job(self, id: uuid.UUID | str) -> dict[str, Any]:
        """An import or the like that is under way: status, place in the queue, progress, result, error."""
        return dict(self._get(f"/jobs/{id}"))

    def cancel_job(self, id: uuid.UUID | str) -> dict[str, Any]:
        """Asks for its end; a job that has ended is refused (`job_has_ended`). Returns the job as JSON."""
        return dict(self._post(f"/jobs/{id}/cancel", None))

    def wait_for_job(
        self, id: uuid.UUID | str, *, on_job: Callable[[Mapping[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """The job when it is done. Raises what it was refused with, as the request itself would have been."""
        # A small file is read within a moment: nobody waits a second for that.
        wait = job_poll_seconds / 16
        while True:
            job = self.job(id)
            if on_job is not None:
                on_job(job)
            if (error := job["error"]) is not None:
                raise JOB_ERRORS.get(error["kind"], Unavailable)(
                    code=error["code"], written=error["message"], **error["details"]
                )
            if job["ended_at"] is not None:
                return job
            self._sleep(wait)
            wait = min(2 * wait, job_poll_seconds)

    def data_sets(self, name: str | None = None) -> Iterator[DataSet]:
        """By name, the newest version first."""
        return map(DataSet.of, self._pages("/data-sets", {"name": name} if name else {}))

    def data_set(self, name: str, version: int | None = None) -> DataSet:
        """The newest version of that name, or the one asked for. Raises NotFound."""
        for found in self.data_sets(name):
            if version in (None, found.version):
                return found
        raise NotFound("no_data_set", name=name)

    def data_set_details(self, id: uuid.UUID | str) -> DataSet:
        """With the profile and what its columns were used for, in `raw`."""
        return DataSet.of(self._get(f"/data-sets/{id}"))

    def preview_labels(
        self, data_set: uuid.UUID | str, labels: Mapping[str, Mapping[str, str | None]]
    ) -> list[dict[str, Any]]:
        """What would come of other labels, by attribute; changes nothing."""
        return list(self._post(f"/data-sets/{data_set}/labels/preview", {"labels": labels}, safe=True)["items"])

    def change_labels(
        self, data_set: uuid.UUID | str, labels: Mapping[str, Mapping[str, str | None]], *, why: str = ""
    ) -> tuple[DataSet, int]:
        """Renames, joins or leaves out (None) labels: the new version, and how many labels are others in it."""
        raw = self._post(f"/data-sets/{data_set}/labels", {"labels": labels, "why": why}, key=_new_key())
        return self._made(raw), int(raw["changed"] if "changed" in raw else raw["result"]["changed"])

    def cut(self, data_set: uuid.UUID | str) -> DataSet:
        """A new version without what gives labels away. Raises Invalid (`change_invalid`) where nothing does."""
        return self._made(self._post(f"/data-sets/{data_set}/cut", None, key=_new_key()))

    def uncut(self, data_set: uuid.UUID | str) -> DataSet:
        """A new version with the texts as they came, before the import cut them. Raises Invalid (`change_invalid`)
        where nothing was cut."""
        return self._made(self._post(f"/data-sets/{data_set}/uncut", None, key=_new_key()))

    def _made(self, raw: Mapping[str, Any]) -> DataSet:
        if _is_job(raw):
            job = self.wait_for_job(raw["id"])
            return self.data_set_details(job["result"]["data_set"])
        return DataSet.of(raw.get("data_set", raw))

    def what_deleting_takes(self, data_set: uuid.UUID | str, *, all_versions: bool = False) -> dict[str, Any]:
        """What deleting the tickets would take and leave, as `GET /data-sets/{id}/deletion` says it."""
        asked = {"versions": "all" if all_versions else "one"}
        while _is_job(raw := self._get(f"/data-sets/{data_set}/deletion", asked)):
            self.wait_for_job(raw["id"])
        return dict(raw)

    def delete_data_set(
        self, data_set: uuid.UUID | str, *, all_versions: bool = False, with_models: bool = False
    ) -> None:
        """Deletes the tickets for good, and with `with_models` the models that learnt from them. Raises Refused
        (`data_set_in_use`) while a run needs them."""
        asked = {"versions": "all" if all_versions else "one", "with_models": str(with_models).lower()}
        raw = self._delete(f"/data-sets/{data_set}", asked)
        if raw is not None:
            self.wait_for_job(raw["id"])

    # What is kept of the organisation

    def retention(self) -> dict[str, int | None]:
        """Days after which tickets, feedback and logs are deleted (`tickets_days`, ...); None: they are kept. Hours of
        files that wait for their columns (`uploads_hours`); None: 24."""
        return dict(self._get("/organisation/retention"))

    def set_retention(self, **wanted: int | None) -> dict[str, int | None]:
        """Sets all of them, by the names that `retention` has. Needs the scope `data:erase`."""
        return dict(self._json(lambda: self._http.put("/organisation/retention", json=wanted)))

    def organisation_deletion(self) -> dict[str, Any]:
        """What deleting the organisation would take; `erased_at`: when that is, where somebody asked for it."""
        return dict(self._get("/organisation/deletion"))

    def delete_organisation(self, organisation: str) -> dict[str, Any]:
        """Asks for the deletion, with the organisation's short name to confirm; it can be taken back for 30 days.
        Needs the scope `data:erase`."""
        return dict(self._post("/organisation/deletion", {"organisation": organisation}, key=_new_key()))

    def keep_organisation(self) -> None:
        """Takes the deletion back."""
        self._delete("/organisation/deletion", {})

    def ask_for_export(self) -> dict[str, Any]:
        """Has all that is kept of the organisation exported: `id` and `state`. Needs the scope `data:export`."""
        return dict(self._post("/organisation/exports", None, key=_new_key()))

    def wait_for_export(self, id: uuid.UUID | str, *, timeout: float | None = None) -> dict[str, Any]:
        """The export when it is ready. Raises Unavailable where it could not be made, and after `timeout` seconds."""
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            found = dict(self._get(f"/organisation/exports/{id}"))
            if found["state"] == "ready":
                return found
            if found["state"] == "failed":
                raise Unavailable("export", code="export_failed")
            if ends is not None and time.monotonic() >= ends:
                raise Unavailable("export_waits", code="export_waits")
            self._sleep(poll_seconds)

    def download_export(self, export: Mapping[str, Any], target: Path | str) -> Path:
        """Saves an export that is ready to `target`, checked against its SHA-256 before it counts. Raises Unavailable
        where what arrived is not what was announced."""
        return self._saved(f"/organisation/exports/{export['id']}/file", Path(target), sha256=export["sha256"])

    # Training

    def quote(
        self,
        data_set: uuid.UUID | str,
        *,
        attributes: Sequence[str] | None = None,
        mode: str = "basic",
        delivery: str = "standard",
        model: str | None = None,
        reason: str = "new_model",
    ) -> Quote:
        """A priced offer; `attributes` left out: all that can be learned."""
        asked = {
            "data_set": str(data_set),
            "attributes": None if attributes is None else list(attributes),
            "mode": mode,
            "delivery": delivery,
            "model": model,
            "reason": reason,
        }
        return Quote.of(self._post("/quotes", {k: v for k, v in asked.items() if v is not None}, key=_new_key()))

    def order(self, quote: uuid.UUID | str, *, accept_no_gain: bool = False, again: bool = False) -> Run:
        """Holds the credits and queues the run; the same quote again gives the same run. A Maximum that a trial lets
        expect no gain of is refused (`no_gain_expected`) unless `accept_no_gain`, and just what was ordered within a
        day (`equal_order`, with the first `run`) unless `again`."""
        asked = {"quote": str(quote), "again": again} | ({"accept_no_gain": True} if accept_no_gain else {})
        key = f"order:{quote}" + (":no-gain" if accept_no_gain else "") + (":again" if again else "")
        return Run.of(self._post("/runs", asked, key=key))

    def runs(self, **filters: Any) -> Iterator[Run]:
        """The newest first; `status` and `model` as the API takes them."""
        return map(Run.of, self._pages("/runs", filters))

    def run(self, number: int) -> Run:
        """The run of that number in the organisation; NotFound where there is none."""
        return Run.of(self._get(f"/runs/{number}"))

    def cancel(self, number: int) -> Run:
        """Cancels the run and gives its credits back; refused where it has ended."""
        return Run.of(self._post(f"/runs/{number}/cancel", None))

    def approve(self, number: int) -> Run:
        """Approves an order that waits for it: it is queued. NotAllowed where one ordered it oneself."""
        return Run.of(self._post(f"/runs/{number}/approve", None))

    def decline(self, number: int, *, why: str) -> Run:
        """Declines an order that waits for approval; its credits are given back."""
        return Run.of(self._post(f"/runs/{number}/decline", {"why": why}))

    def report_card(self, number: int) -> dict[str, Any]:
        """The report card as JSON, as docs/report-card.md describes it; NotFound until the run is completed."""
        return dict(self._get(f"/runs/{number}/report-card"))

    def wait_for_run(
        self,
        number: int,
        *,
        on_progress: Callable[[Mapping[str, Any]], None] | None = None,
        timeout: float | None = None,
    ) -> Run:
        """Watches the run until it has ended, by the stream of its events; where the line breaks, it takes the stream
        up again.

        `on_progress` gets status, stage, steps_done, steps_total. Raises Unavailable (`still_running`) after `timeout`
        seconds.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        after = 0
        while True:
            try:
                after, ended = self._follow(number, after, on_progress, ends)
                if ended:
                    return self.run(number)
            except httpx.TransportError:
                # The stream broke; what happened meanwhile comes with the next one.
                pass
            if ends is not None and time.monotonic() >= ends:
                raise Unavailable("run", number=number, code="still_running")
            self._sleep(poll_seconds)

    def _follow(
        self, number: int, after: int, on_progress: Callable[[Mapping[str, Any]], None] | None, ends: float | None
    ) -> tuple[int, bool]:
        """(the last event's number, has the run ended?), when the stream ends or time is up."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        # Every 15 seconds something comes, if only a sign of life.
        with self._http.stream(
            "GET", f"/runs/{number}/events", headers=headers, timeout=httpx.Timeout(45.0, connect=10.0)
        ) as response:
            if response.status_code != 200:
                response.read()
                if response.status_code in TRY_AGAIN:
                    return after, False
                raise refusal(response)
            event = ""
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id" and value.isdecimal():
                    after = int(value)
                elif field == "event":
                    event = value
                elif field == "data" and event == "progress" and on_progress is not None:
                    on_progress(json.loads(value))
                elif field == "data" and event == "end":
                    return after, True
                if ends is not None and time.monotonic() >= ends:
                    break
        return after, False

    # Models

    def models(self) -> Iterator[ModelVersion]:
        """All versions of all models, by name and the newest first; pages are fetched as they are read."""
        return map(ModelVersion.of, self._pages("/models", {}))

    def model(self, name: str, version: int | None = None) -> ModelVersion:
        """The version that answers now, or the one asked for."""
        path = f"/models/{quoted(name, safe='')}" + (f"/versions/{version}" if version else "")
        return ModelVersion.of(self._get(path))

    def predict(
        self, model: str, texts: Sequence[str], *, version: int | None = None, precision: float | None = None
    ) -> list[Prediction]:
        """What the model says of each text, in order; any number of them. With `precision` (0.9, 0.95 or 0.99), also
        what it may decide alone."""
        found: list[Prediction] = []
        path = f"/models/{quoted(model, safe='')}/predict" + (f"?version={version}" if version else "")
        for begin in range(0, len(texts), 200):
            asked: dict[str, Any] = {"texts": list(texts[begin : begin + 200])}
            # A Studio of the version before does not know the field.
            asked |= {} if precision is None else {"precision": precision}
            raw = self._post(path, asked, safe=True)
            found += [Prediction.of(item) for item in raw["items"]]
        return found

    def download(self, model: str, target: Path | str, *, version: int | None = None) -> Path:
        """Saves the model file to `target` (a file, or a folder), checked against its SHA-256 before it counts. Raises
        Unavailable where what arrived is not what was announced."""
        model_version = self.model(model, version)
        target = Path(target)
        if target.is_dir():
            target = target / f"{model_version.model.replace(' ', '-')}-v{model_version.version}.otai"
        path = f"/models/{quoted(model_version.model, safe='')}/versions/{model_version.version}/bundle"
        return self._saved(path, target, sha256=model_version.sha256)

    def delete_model(self, model: str) -> None:
        """Deletes the model with all its versions, for good."""
        self._delete(f"/models/{quoted(model, safe='')}", {})

    # HTTP

    def _saved(self, path: str, target: Path, *, sha256: str) -> Path:
        import hashlib

        part = target.with_name(target.name + ".part")
        digest = hashlib.sha256()
        try:
            with self._http.stream("GET", path, headers={"Accept": "*/*"}) as response:
                if response.status_code != 200:
                    response.read()
                    raise refusal(response)
                with part.open("wb") as out:
                    for chunk in response.iter_bytes(1 << 20):
                        digest.update(chunk)
                        out.write(chunk)
            if digest.hexdigest() != sha256:
                raise Unavailable("model", code="download_damaged")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def _delete(self, path: str, params: Mapping[str, Any]) -> Any:
        return self._json(lambda: self._http.delete(path, params=params))

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        return self._json(lambda: self._http.get(path, params=params))

    def _post(self, path: str, body: Mapping[str, Any] | None, *, key: str = "", safe: bool = False) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._json(
            lambda: self._http.post(path, json=body or {}, headers=headers), safe=safe or bool(key) or body is None
        )

    def _upload(
        self,
        path: str,
        file: Path,
        params: Mapping[str, Any],
        *,
        key: str = "",
        on_progress: Callable[[int, int], None] | None = None,
        held_back_seconds: int = wait_seconds,
    ) -> dict[str, Any]:
        size = file.stat().st_size
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Prefer": f"wait={held_back_seconds}",
        }
        if key:
            headers["Idempotency-Key"] = key
        asked = {name: value for name, value in params.items() if value not in (None, "", (), [])}

        def send() -> httpx.Response:
            return self._http.post(
                path,
                content=_chunks(file, size, on_progress),
                params=asked,
                headers=headers,
                timeout=httpx.Timeout(upload_seconds, connect=10.0),
            )

        return dict(self._json(send))

    def _import_arrived(
        self, upload: str, params: Mapping[str, Any], *, key: str, held_back_seconds: int
    ) -> dict[str, Any]:
        asked = {name: value for name, value in params.items() if value not in (None, "", (), [])} | {"upload": upload}
        headers = {"Prefer": f"wait={held_back_seconds}", "Idempotency-Key": key}
        wait = httpx.Timeout(upload_seconds, connect=10.0)
        return dict(self._json(lambda: self._http.post("/data-sets", params=asked, headers=headers, timeout=wait)))

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._get(path, {**params, "limit": 200, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _json(self, send: Callable[[], httpx.Response], *, safe: bool = True) -> Any:
        """The answer, after as many tries as make sense. `safe`: sending it twice does nothing twice."""
        for attempt in range(1, tries + 1):
            last = attempt == tries
            try:
                response = send()
            except httpx.ConnectError as error:
                if last:
                    raise Unavailable("unreachable", url=self.url, error=error, code="studio_unreachable") from None
                wait = backoff(attempt)
            except httpx.TransportError as error:
                if last or not safe:
                    raise Unavailable("no_answer", url=self.url, error=error, code="studio_unreachable") from None
                wait = backoff(attempt)
            else:
                if response.is_success:
                    return response.json() if response.content else None
                in_progress = response.status_code == 409 and error_in(response).get("code") == "request_in_progress"
                if last or not (response.status_code in TRY_AGAIN or in_progress):
                    raise refusal(response)
                if response.status_code in (502, 504) and not safe:
                    raise refusal(response)
                wait = asked_wait(response) or backoff(attempt)
            self._sleep(min(wait, longest_wait_seconds))
        raise AssertionError("unreachable")


def _is_job(raw: Mapping[str, Any]) -> bool:
    """Whether the answer is a 202: the work goes on."""
    return "progress" in raw and "ended_at" in raw


def _new_key() -> str:
    return uuid.uuid4().hex


def _chunks(file: Path, size: int, on_progress: Callable[[int, int], None] | None) -> Iterator[bytes]:
    sent = 0
    with file.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            yield chunk
            sent += len(chunk)
            if on_progress is not None:
                on_progress(sent, size)
