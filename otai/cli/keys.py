"""`otai keys`: for operators, the installation's secret keys: change, rewrap, forget."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from django.conf import settings

from otai import key_files, keyring
from otai.cli.output import JsonOption, print_json, print_table, say
from otai.cli.setup import require_installation
from otai.errors import NotFound, Refused
from otai.orgs.models import Organisation
from otai.tickets.files import file_store, forget_vectors, owner_of

app = typer.Typer(help="The installation's secret keys: list, rotate, rewrap, forget.", no_args_is_help=True)

KINDS = {
    "data_keys": "keys of organisations",
    "webhook_secrets": "secrets of webhooks",
    "second_factors": "second factors",
    "sessions": "sessions",
    "checkpoint_keys": "keys of checkpoints",
    "unsubscribe_keys": "keys of links that end mails",
    "helpdesk_tokens": "tokens of helpdesks",
}


class KeyInEnvironment(Refused):
    """The key does not lie in a file of ours."""

    code = "secret_key_in_environment"


class EncryptionOff(Refused):
    code = "encryption_off"


class KeyStillNeeded(Refused):
    code = "secret_key_still_needed"


@app.command("list")
def list_keys(json: JsonOption = False) -> None:
    """Which secret keys there are, by their ids, and what hangs on each."""
    require_installation()
    rows: list[dict[str, Any]] = [
        {"id": key.id, "state": "former" if at else "current", "hanging": keyring.hanging_on([key.id])}
        for at, key in enumerate(keyring.known())
    ]
    if json:
        print_json(rows)
        return
    print_table(["id", "state", "what hangs on it"], [[row["id"], row["state"], _told(row["hanging"])] for row in rows])


@app.command("rotate")
def rotate() -> None:
    """Make a new secret key and put the present one aside, where it lies in OTAI_HOME. Then start every server and
    worker anew, and run otai keys rewrap."""
    require_installation()
    if os.environ.get("OTAI_SECRET_KEY"):
        raise KeyInEnvironment("rotate")
    key_files.replace_key(Path(settings.OTAI_HOME))
    say("There is a new secret key; what the former one signed and sealed is still read.")
    say("Now start every server and worker anew, and run: otai keys rewrap")


@app.command("rewrap")
def rewrap(json: JsonOption = False) -> None:
    """Seal and sign anew, under the current key, all that hangs on a former one. Safe beside servers, and again."""
    require_installation()
    changed = keyring.rewrap()
    left = keyring.hanging_on(keyring.former_ids())
    if json:
        print_json({"changed": changed, "left": left, "former_keys": list(keyring.former_ids())})
        return
    say(f"Now under the key {keyring.current_key().id}: {_told(changed)}.")
    if keyring.former_ids():
        say(f"On former keys hang: {_told(left)}; and links in mails, for three days after the change at most.")
        say("After that: otai keys forget, or take them out of OTAI_OLD_SECRET_KEYS")


@app.command("forget")
def forget(
    id: Annotated[
        str, typer.Argument(help="The id of a former key, as otai keys list shows it; all if left out.")
    ] = "",
) -> None:
    """Forget former secret keys that lie in OTAI_HOME; refused while anything hangs on one."""
    require_installation()
    home = Path(settings.OTAI_HOME)
    kept = key_files.former_in_file(home)
    going = [text for text in kept if not id or keyring.key_of(text).id == id]
    if id and not going:
        raise NotFound("former_key", id=id)
    ids = [keyring.key_of(text).id for text in going]
    if left := keyring.hanging_on([found for found in ids if found != keyring.current_key().id]):
        raise KeyStillNeeded("hanging", things=sum(left.values()))
    key_files.keep_former(home, [text for text in kept if text not in going])
    say(f"Forgotten: {', '.join(ids) or 'none, there was none'}. Start every server and worker anew.")


@app.command("encrypt")
def encrypt(json: JsonOption = False) -> None:
    """Encrypt the files of organisations that lie in the store as they are. Needs OTAI_ENCRYPT_FILES=1, so that new
    ones are encrypted too. Safe beside servers, and again."""
    require_installation()
    if not settings.OTAI_ENCRYPT_FILES:
        raise EncryptionOff("off")
    store = file_store()
    known = set(Organisation.objects.values_list("id", flat=True))
    paths = [path for path in store.paths() if owner_of(path) in known]
    done = sum(store.encrypt(path) for path in paths)
    for organisation in {owner_of(path) for path in paths}:
        forget_vectors(organisation)
    if json:
        print_json({"files": len(paths), "encrypted": done})
    else:
        say(f"{done} files were encrypted; all {len(paths)} files of organisations are.")


def _told(counted: dict[str, int]) -> str:
    return ", ".join(f"{KINDS.get(kind, kind)}: {number}" for kind, number in counted.items() if number) or "nothing"
