"""The Studio as it stands in production: two server processes, the session's database, a worker, and nginx speaking TLS
in front.

    with in_production(home, database) as studio:
        studio.http().get("/health/live")                      # httpx, which trusts the certificate
        studio.curl("-I", f"{studio.url}/account/login/")      # curl, the same
        with studio.browser() as browser: ...                  # Chromium; passkeys work
        otai.client.Studio(studio.url, studio.key("predict"))  # the Python client

The name `studio.otai.test` leads to this machine for all of them. nginx runs `deploy/nginx.conf`, the file that
docs/tls.md hands out.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.leftovers import found_in_files
from tests.migrated import migrate
from tests.parts import caddy_program, needed, nginx_program, program
from tests.postgres import create_database
from tests.web.studio_server import Installation, answers, chromium, free_port

NAME = "studio.otai.test"
METRICS_TOKEN = "what-prometheus-alone-knows-here"
CUSTOMER = """
import json, sys

import django

django.setup()
from datetime import UTC, datetime
from django.test import Client
from otai.billing.operations import sign_up
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role, Scope
from otai.pricing.price_book import Tier
from tests.orgs.people import joins, person

slug, tier = {slug!r}, Tier({tier!r})
now = datetime.now(tz=UTC)
organisation = sign_up(slug=slug, name=slug.title(), time_zone="Europe/Berlin", tier=tier, now=now)
alice = joins(organisation, person("alice", at=f"{{slug}}.example"), Role.OWNER, now)
browser = Client(headers={{"host": {host!r}}})
browser.force_login(alice.user)
key = create_api_key(organisation=organisation, name="Helpdesk", scopes=list(Scope), who=alice.user.email, now=now)
print(json.dumps({{"key": key.secret, "cookie": next(iter(browser.cookies.values())).value}}))
"""
DOCUMENTED = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


@dataclass(frozen=True)
class Customer:
    """An organisation, the key of its program, which may do everything, and Alice, its owner, who is signed in."""

    slug: str
    key: str
    cookie: str

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass
class Production:
    """A running Studio. `url` is what the world knows, `direct` the server behind the proxy, for what must not get
    around it."""

    installation: Installation
    url: str
    direct: str
    certificate: Path
    logs: list[Path] = field(default_factory=list)
    customers: dict[str, Customer] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @cached_property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def http(self, **more: Any) -> httpx.Client:
        """A client at `url` that follows no redirect by itself. The name is resolved by the fixture
        `the_name_leads_here`."""
        return httpx.Client(base_url=self.url, verify=self.trust, timeout=60, **more)

    def curl(self, *arguments: str, seconds: float = 60) -> str:
        """What curl printed; it must succeed."""
        found = needed(lambda: program("curl"), package="curl")
        known = ["--cacert", str(self.certificate), "--resolve", f"{NAME}:{self.port}:127.0.0.1"]
        command = [found, "--silent", "--show-error", *known, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds).stdout

    @contextmanager
    def browser(self) -> Iterator[Any]:
        """Chromium, which takes this one certificate for good: with errors merely ignored it would offer no
        passkeys."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        digest = hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).digest()
        with chromium(
            f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
            f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}",
        ) as browser:
            yield browser

    def customer(self, slug: str, *, tier: str = "pro") -> Customer:
        """A new one, in one process: a command for each of its parts would take longer than most tests. A module whose
        tests are taken over by another worker in parts asks for its own again."""
        if slug not in self.customers:
            made = self.installation.python(CUSTOMER.format(slug=slug, tier=tier, host=NAME))
            self.customers[slug] = Customer(slug, made["key"], made["cookie"])
        return self.customers[slug]

    def page(self, browser: Any, customer: Customer) -> Any:
        """A page of a browser of Alice's own, where she is signed in."""
        context = browser.new_context(locale="en-GB", base_url=f"{self.url}/{customer.slug}/")
        context.add_cookies([{"name": "__Host-sessionid", "value": customer.cookie, "url": self.url, "secure": True}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    def organisation(self, slug: str, *, tier: str = "community") -> None:
        self.installation.otai("org", "create", slug, "--name", slug.title(), "--tier", tier)

    def key(self, *scopes: str, org: str = "acme", name: str = "Helpdesk") -> str:
        """A new API key of the organisation."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        return str(self.installation.json("org", "keys", "create", name, "--org", org, *words)["key"])

    def found(self, words: Sequence[str]) -> dict[str, list[str]]:
        """Where any of these words stands: files below this home, and columns of its tables."""
        in_tables: dict[str, list[str]] = self.installation.python(
            "import django, json; django.setup()\n"
            f"from tests.leftovers import found_in_tables\nprint(json.dumps(found_in_tables({list(words)})))"
        )
        return found_in_files(words, self.installation.home) | in_tables

    def mails(self) -> list[str]:
        """The mails of this installation, which has no mail server: the oldest first."""
        files = sorted((self.installation.home / "mail").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text() for file in files]

    def log(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')}" for path in self.logs if path.exists())


@contextmanager
def in_production(
    home: Path,
    database: str,
    *,
    processes: int = 2,
    worker: bool = False,
    settings: dict[str, str] | None = None,
    behind: str = "nginx",
) -> Iterator[Production]:
    """A Studio in `home` on the initialised `database`, until the block ends. `settings` are more `OTAI_*` variables;
    `behind` nginx or Caddy."""
    tls_port, server_port = free_port(), free_port()
    url = f"https://{NAME}:{tls_port}"
    told = {
        "OTAI_DATABASE_URL": database,
        "OTAI_BASE_URL": url,
        "OTAI_TRUSTED_PROXIES": "1",
        "OTAI_METRICS_TOKEN": METRICS_TOKEN,
        # Stories of a busy machine last longer than the quarter of an hour after which a person is asked again.
        "OTAI_ASK_AGAIN_MINUTES": "600",
        **(settings or {}),
    }
    installation = Installation(home, {name: value for name, value in told.items() if value})
    proxy = home / "proxy"
    certificate = make_certificate(proxy)
    direct = f"http://127.0.0.1:{server_port}"
    logs = [home / "studio.log", home / "worker.log", proxy / "error.log"]
    studio = Production(installation, url, direct, certificate, logs)
    with ExitStack() as stack:
        server = stack.enter_context(
            installation.process("studio", "--port", str(server_port), "--workers", str(processes))
        )
        if worker:
            stack.enter_context(installation.process("worker", "--grace", "0"))
        proxy_of = {"nginx": nginx, "caddy": caddy}[behind]
        stack.enter_context(proxy_of(proxy, tls_port=tls_port, server=f"127.0.0.1:{server_port}"))
        # Two processes that load the product, where many others do so too.
        answers(f"{direct}/health/live", server, home / "studio.log", seconds=200)
        yield studio


def make_certificate(folder: Path) -> Path:
    """A self-signed certificate for `NAME` and for localhost, `fullchain.pem`, and its key beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    (folder / "fullchain.pem").write_bytes(made.public_bytes(pem))
    return folder / "fullchain.pem"


@contextmanager
def nginx(folder: Path, *, tls_port: int, server: str) -> Iterator[None]:
    """nginx with the documented file; only names, ports and places differ, and each of them must be found in it."""
    site = DOCUMENTED.read_text()
    for documented, here in {
        "server 127.0.0.1:8000;": f"server {server};",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls_port} ssl;",
        "server_name studio.example.com;": f"server_name {NAME} localhost;",
        "/etc/ssl/studio.example.com/": f"{folder}/",
    }.items():
        assert documented in site, f"deploy/nginx.conf has no {documented!r}"
        site = site.replace(documented, here)
    (folder / "site.conf").write_text(site)
    (folder / "temporary").mkdir(exist_ok=True)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    (folder / "nginx.conf").write_text(
        ("user root;\n" if os.geteuid() == 0 else "")
        + f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        + "events { worker_connections 1024; }\nhttp {\n  access_log off;\n"
        + "".join(f"  {kind}_temp_path {folder}/temporary/{kind};\n" for kind in kinds)
        + f"  include {folder}/site.conf;\n}}\n"
    )
    command = [nginx_program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
        try:
            yield
        finally:
            running.terminate()
            running.wait(15)


@contextmanager
def caddy(folder: Path, *, tls_port: int, server: str) -> Iterator[None]:
    """Caddy with the documented file; only the name, ports and the certificate differ, which it would fetch from the
    world."""
    site = (DOCUMENTED.parent / "Caddyfile").read_text()
    changes = {
        "studio.example.com {": f"https://{NAME}:{tls_port}, https://localhost:{tls_port} {{\n\tbind 127.0.0.1\n"
        f"\ttls {folder}/fullchain.pem {folder}/privkey.pem",
        "reverse_proxy 127.0.0.1:8000": f"reverse_proxy {server}",
    }
    version = subprocess.run([caddy_program(), "version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (2, 7):
        assert "buffer_requests, and below it max_buffer_size 4MiB" in site
        changes["\t\trequest_buffers 4MiB"] = "\t\tbuffer_requests\n\t\tmax_buffer_size 4MiB"
    for documented, here in changes.items():
        assert documented in site, f"deploy/Caddyfile has no {documented!r}"
        site = site.replace(documented, here)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n" + site)
    command = [caddy_program(), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    with (
        (folder / "error.log").open("ab") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **homes}
        ) as running,
    ):
        try:
            yield
        finally:
            running.terminate()
            running.wait(15)


_TAKEN = itertools.count(1)


class Blank:
    """Initialised, empty installations: set up once in a session and copied for each test, on the session's
    database."""

    def __init__(self, folder: Path, database: str, initialised: Path) -> None:
        """On SQLite the home `initialised` is copied; a database of PostgreSQL is made in it, once."""
        self.folder = folder
        self._server = database.rpartition("/")[0]
        self._is_sqlite = database.startswith("sqlite:")
        # Workers of pytest share one PostgreSQL server, and folders of tests that borrow the fixture have one each.
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self._prefix = f"doors_{worker}_{os.getpid()}_{next(_TAKEN)}"
        self._count = 0
        shutil.copytree(initialised, self.folder / "template")
        if not self._is_sqlite:
            migrate(create_database(self._server, f"{self._prefix}_template"))

    def new(self) -> tuple[Path, str]:
        """A home and the URL of its database."""
        self._count += 1
        name = f"n{self._count}"
        home = self.folder / name
        home.mkdir()
        shutil.copy2(self.folder / "template" / "secret-key", home)
        if self._is_sqlite:
            shutil.copy2(self.folder / "template" / "otai.sqlite3", home)
        else:
            create_database(self._server, f"{self._prefix}_{name}", template=f"{self._prefix}_template")
        return home, self._database(name)

    def _database(self, name: str) -> str:
        if self._is_sqlite:
            return f"sqlite:///{self.folder / name / 'otai.sqlite3'}"
        return f"{self._server}/{self._prefix}_{name}"
