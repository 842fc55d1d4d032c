"""What whoever runs the Studio's machines is told: of stores, providers and pools, at the command line, in logs and by
the API: in English. Pages say less (`pages.ON_PAGES`)."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "cluster_unavailable.cluster": said(
        "The cluster at {address} does not answer: {error}",
    ),
    "file_store_unavailable.delete": said(
        "The file {path} could not be deleted from {url}: {error}.",
    ),
    "file_store_unavailable.gone": said(
        "The file {path} is not in the store {url}.",
    ),
    "file_store_unavailable.open": said(
        "The file store {url} cannot be opened: {error}.",
    ),
    "file_store_unavailable.read": said(
        "The file {path} could not be read from {url}: {error}.",
    ),
    "file_store_unavailable.tickets": said(
        "The tickets could not be written: {error}. Nothing was imported.",
    ),
    "file_store_unavailable.write": said(
        "The file store {url} did not take a file of {size:n} bytes: {error}. Nothing was stored.",
    ),
    "forged_webhook.no_event": said(
        "This is signed, but is no event of Stripe's. Nothing was done.",
    ),
    "forged_webhook.no_webhook": said(
        "Bank transfers have no webhook.",
    ),
    "forged_webhook.signature": said(
        "The signature of this webhook is not Stripe's. Nothing was done.",
    ),
    "forged_webhook.signature_of_provider": said(
        "The signature of this webhook is not the provider's. Nothing was done.",
    ),
    "gateway_unavailable.down": said(
        "The fake provider is down.",
    ),
    "gateway_unavailable.key": said(
        "Stripe does not accept our key. An operator must look at OTAI_STRIPE_SECRET_KEY.",
    ),
    "gateway_unavailable.no_webhook_secret": said(
        "Webhooks of Stripe are not set up: OTAI_STRIPE_WEBHOOK_SECRET is missing.",
    ),
    "invalid_pool.address": said(
        "The pool {name} needs its cluster's address: --address http://head:8265",
    ),
    "invalid_pool.interpreter": said(
        "The interpreter must be an absolute path, not {interpreter:quoted}: a job's own python is another.",
    ),
    "invalid_pool.name": said(
        "A pool's name has small letters, digits and hyphens, not {name:quoted}. For example: h100-frankfurt.",
    ),
    "invalid_pool.no_deliveries": said(
        "The pool {name} would serve nothing. Say which deliveries it serves: --fast, --standard.",
    ),
    "invalid_pool.slots": said(
        "The pool {name} needs at least 1 slot, not {slots}.",
    ),
    "invalid_pool.slots_of_node": said(
        "A node of the pool {name} needs at least 1 slot, not {slots_per_node}.",
    ),
    "not_found.no_pool": said(
        "There is no pool {pool}. `otai pools list` shows those that exist.",
    ),
    "payment_declined.no_payment": said(
        "There is no payment {reference}.",
    ),
    "pool_is_full.slots": said(
        Counted(
            "The pool {pool} has {slots:n} slot, which is taken by {workers:words}. Give it more: otai pools set "
            "{pool} --slots {wanted}",
            "The pool {pool} has {slots:n} slots, which are taken by {workers:words}. Give it more: otai pools set "
            "{pool} --slots {wanted}",
            "slots",
        ),
    ),
    "ray_not_installed.ray": said(
        "This worker needs Ray for its pool: pip install 'otai[ray]'.",
    ),
    "simulation_not_installed.simulation": said(
        "A simulation needs: pip install 'otai[simulate]'.",
    ),
}
