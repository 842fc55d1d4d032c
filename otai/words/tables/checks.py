"""What is said of an installation before strangers reach it (`otai.deployment`): for each check what is so, and what
would help. Settings and commands are named: whoever runs the Studio reads it."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

CHECKS: Mapping[str, tuple[Sentence, ...]] = {
    "check.tls": (
        "People reach it at {base_url}: passwords and keys can be read on the way, and passkeys do not work.",
    ),
    "check.trusted_proxies": (
        "OTAI_TRUSTED_PROXIES is 0: all visitors seem to come from the proxy's address, so thirty wrong passwords of "
        "one shut everybody out, and requests without TLS are not noticed.",
    ),
    "check.port_open_beside_the_proxy": (
        "The server listens on {listens_on}: whoever reaches its port goes around the proxy and may claim any address.",
    ),
    "check.allowed_hosts": ("Pages answer to any of the hosts {allowed_hosts:words}.",),
    "check.hsts": ("Browsers are not told to come by TLS only: a first request without it can be caught.",),
    "check.mail_server": (
        "There is no mail server: nobody can confirm an address or choose a new password, and notices are files here.",
    ),
    "check.mail_sender": ("Mails come from {mail_from}, which many mail servers refuse.",),
    "check.mail_tls": (
        "Mails go to {mail_server} without TLS: links that choose a new password can be read on the way.",
    ),
    "check.mail_verification": ("Anybody can sign up with anybody's mail address, and is given credits for it.",),
    "check.desk_second_factor": ("A guessed password of an operator opens the desk, and with it everybody's money.",),
    "check.operators_second_factor": (
        "Without a second factor: {operators:words}. Whoever has the password of one could set up the first.",
    ),
    "check.secret_key": (
        Counted(
            "The secret key has {bytes:n} byte; it signs who is signed in, and at least {fewest:n} are needed.",
            "The secret key has {bytes:n} bytes; it signs who is signed in, and at least {fewest:n} are needed.",
            "bytes",
        ),
        "There is no secret key: each process makes one up, and nobody stays signed in.",
    ),
    "check.secret_key_guessable": (
        Counted(
            "The secret key has {signs:n} different character only, fewer than {fewest:n}: it was not made by chance, "
            "and what can be guessed signs for anybody.",
            "The secret key has {signs:n} different characters only, fewer than {fewest:n}: it was not made by chance, "
            "and what can be guessed signs for anybody.",
            "signs",
        ),
    ),
    "check.secret_key_readable": (
        "Other users of the machine can read the secret key, and with it sign in as anybody.",
    ),
    "check.secret_key_lost": (
        "No secret key that is here opens: secrets of webhooks: {webhook_secrets:n}; second factors: "
        "{second_factors:n}; sessions: {sessions:n}; keys of checkpoints: {checkpoint_keys:n}; keys of organisations: "
        "{data_keys:n}; keys of links that end mails: {unsubscribe_keys:n}; tokens of helpdesks: {helpdesk_tokens:n}.",
    ),
    "check.secret_key_former": (
        "Former secret keys are still accepted: {keys:n}. On them hang secrets of webhooks: {webhook_secrets:n}; "
        "second factors: {second_factors:n}; sessions: {sessions:n}; keys of checkpoints: {checkpoint_keys:n}; keys of "
        "organisations: {data_keys:n}; keys of links that end mails: {unsubscribe_keys:n}; tokens of helpdesks: "
        "{helpdesk_tokens:n}.",
        "Former secret keys are still accepted: {keys:n}. Nothing hangs on them but links in mails.",
    ),
    "check.migrations": ("The database is of an earlier version; migrations to be applied: {migrations:n}.",),
    "check.database": ("The database is SQLite: one writes while all others wait, and it lies on this machine alone.",),
    "check.database_for_processes": (
        "{processes:n} server processes write to one SQLite file: under load some of them wait until they fail.",
    ),
    "check.database_tls": (
        "The database is on {host}, and what goes there may be in clear (sslmode {sslmode}): tickets and mail "
        "addresses can be read on the way.",
    ),
    "check.memory_for_jobs": (
        Counted(
            "{jobs:n} job at once may hold {jobs_gib:number}\u00a0GiB of memory (imports and looks at tickets, "
            "{job_gib:number}\u00a0GiB each), and this machine has {machine_gib:number}\u00a0GiB: the kernel "
            "may end others for "
            "them.",
            "{jobs:n} jobs at once may hold {jobs_gib:number}\u00a0GiB of memory (imports and looks at tickets, "
            "{job_gib:number}\u00a0GiB each), and this machine has {machine_gib:number}\u00a0GiB: the kernel "
            "may end others for "
            "them.",
            "jobs",
        ),
    ),
    "check.demo": ("This is the demo's installation: its bank pays whatever is ordered.",),
    "check.trainings_confined": (
        "Trainings on this machine have a network, and see every file that their user may read: it lets no process "
        "make namespaces of its own, or OTAI_CONFINE_TRAININGS is 0.",
    ),
    "check.jobs_confined": (
        "Processes that read files of strangers have a network, and see every file that their user may read: this "
        "machine lets no process make namespaces of its own, or OTAI_CONFINE_JOBS is 0.",
    ),
    "check.files_encrypted": (
        "Tickets and models lie in the file store as they are: whoever has the disk or a backup reads them.",
    ),
    "check.webhooks_inside": (
        "Webhooks may go to private addresses: who signs up can make the Studio call servers inside your network.",
    ),
    "check.helpdesks_inside": (
        "Helpdesks may be at private addresses: who signs up can make the Studio ask servers inside your network.",
    ),
    "check.card_payments_told": (
        "Stripe takes money and cannot tell: without OTAI_STRIPE_WEBHOOK_SECRET its news is not believed.",
    ),
    "check.card_payments_are_tests": ("The key of Stripe is one for tests: anybody buys credits with a test card.",),
    "check.seller": ("Nobody sells: invoices are specimens of a fictitious seller.",),
    "check.modes_installed": (
        "Modes that cannot be trained here, and that are not sold here in any tier: {modes:titles}.",
    ),
    "check.legal_pages": ("Not set, so whoever signs up finds no such page: {missing:words}.",),
    "check.legal_files": ("Files with terms, privacy notice or imprint cannot be read here: {files:words}.",),
    "check.metrics_token": (
        "There is no page of metrics: nobody sees from outside that trainings wait or holds stay open.",
    ),
    "check.metrics_token_short": (
        Counted(
            "OTAI_METRICS_TOKEN has {bytes:n} byte and can be guessed; figures of the whole business lie behind it.",
            "OTAI_METRICS_TOKEN has {bytes:n} bytes and can be guessed; figures of the whole business lie behind it.",
            "bytes",
        ),
    ),
}

REMEDIES: Mapping[str, tuple[Sentence, ...]] = {
    "remedy.tls": ("Put a reverse proxy that speaks TLS in front (docs/tls.md) and set OTAI_BASE_URL=https://...",),
    "remedy.trusted_proxies": (
        "Set OTAI_TRUSTED_PROXIES to the number of reverse proxies of yours that a request passes.",
    ),
    "remedy.port_open_beside_the_proxy": (
        "Listen on 127.0.0.1 or on an address that only the proxy reaches (--host), or close the port to all others.",
    ),
    "remedy.allowed_hosts": (
        "Name in OTAI_ALLOWED_HOSTS only hosts of yours; that of OTAI_BASE_URL is allowed by itself.",
    ),
    "remedy.hsts": ("Leave OTAI_HSTS_SECONDS unset, which is a year, or set it.",),
    "remedy.mail_server": ("Set OTAI_EMAIL_HOST, and OTAI_EMAIL_USER and OTAI_EMAIL_PASSWORD.",),
    "remedy.mail_sender": ('Set OTAI_EMAIL_FROM="OTAI Studio <studio@your.domain>".',),
    "remedy.mail_tls": (
        "Take OTAI_EMAIL_TLS=0 away, or give mails to a mail server on this machine that passes them on with TLS.",
    ),
    "remedy.mail_verification": ("Set OTAI_VERIFY_MAIL=1, with a mail server.",),
    "remedy.desk_second_factor": ("Take OTAI_DESK_SECOND_FACTOR=0 away.",),
    "remedy.operators_second_factor": ("Each sets one up under Your account, before the Studio is open.",),
    "remedy.secret_key": (
        "Run otai init, which makes one in OTAI_HOME, or set OTAI_SECRET_KEY to 50 random characters, the same for all "
        "processes.",
    ),
    "remedy.secret_key_guessable": (
        "Make one by chance (python -c 'import secrets; print(secrets.token_urlsafe(50))'), and change to it as "
        "docs/accounts.md says.",
    ),
    "remedy.secret_key_readable": (
        "chmod 600 the files secret-key and former-secret-keys in OTAI_HOME, then change the key (docs/accounts.md).",
    ),
    "remedy.secret_key_lost": (
        "Name the key that they were made with in OTAI_OLD_SECRET_KEYS, then run otai keys rewrap (docs/accounts.md).",
    ),
    "remedy.secret_key_former": (
        "Run otai keys rewrap, and three days after the change otai keys forget (docs/accounts.md).",
    ),
    "remedy.migrations": ("Run otai init.",),
    "remedy.database": ("Set OTAI_DATABASE_URL to a PostgreSQL, and run otai init.",),
    "remedy.database_for_processes": (
        "Set OTAI_DATABASE_URL to a PostgreSQL, or serve with one process (--workers 1).",
    ),
    "remedy.database_tls": (
        "Add sslmode=verify-full and sslrootcert to OTAI_DATABASE_URL, or sslmode=require where its certificate cannot "
        "be checked.",
    ),
    "remedy.memory_for_jobs": (
        "Set OTAI_JOB_MEMORY_MB or OTAI_JOBS_AT_ONCE to less, or give the machine more memory.",
    ),
    "remedy.demo": ("Set OTAI_HOME to a new folder, and run otai init.",),
    "remedy.trainings_confined": (
        "Allow user namespaces where workers run, or give workers a user of their own "
        "(docs/before-strangers-reach-it.md).",
    ),
    "remedy.jobs_confined": (
        "Allow user namespaces where servers and workers run (docs/before-strangers-reach-it.md).",
    ),
    "remedy.files_encrypted": ("Set OTAI_ENCRYPT_FILES=1 for every server and worker, then run otai keys encrypt.",),
    "remedy.webhooks_inside": ("Unset OTAI_WEBHOOKS_ALLOW_PRIVATE.",),
    "remedy.helpdesks_inside": ("Unset OTAI_HELPDESKS_ALLOW_PRIVATE.",),
    "remedy.card_payments_told": (
        "Make an endpoint for /webhooks/stripe at Stripe, and set OTAI_STRIPE_WEBHOOK_SECRET (docs/billing.md).",
    ),
    "remedy.card_payments_are_tests": ("Set OTAI_STRIPE_SECRET_KEY to a live key.",),
    "remedy.seller": ("Set OTAI_SELLER to a file that says who you are (docs/billing.md).",),
    "remedy.modes_installed": ("Install what they need: {install:words} (docs/encoders.md).",),
    "remedy.legal_pages": (
        "Set OTAI_TERMS, OTAI_PRIVACY and OTAI_IMPRINT to web addresses or files (docs/settings.md).",
    ),
    "remedy.legal_files": (
        "Let the Studio's user read them: UTF-8, at most 512\u00a0KiB each, on every machine that serves pages.",
    ),
    "remedy.metrics_token": ("Set OTAI_METRICS_TOKEN, and let Prometheus send it.",),
    "remedy.metrics_token_short": ("Set it to at least {fewest:n} random characters.",),
}
