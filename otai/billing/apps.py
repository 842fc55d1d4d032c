from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "otai.billing"
    label = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Checkpoints of the ledger name the end of billing's chain too; quotas are those of the tier."""
        from otai.billing.chain import hash_at, head
        from otai.billing.quotas import tier_bounds
        from otai.ledger.checkpoint import OtherChain, other_chains
        from otai.orgs import quotas

        quotas.tier_bounds[:] = [tier_bounds]
        if all(chain.name != "billing" for chain in other_chains):
            other_chains.append(OtherChain("billing", head, hash_at))
