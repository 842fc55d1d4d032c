"""What this adds to the settings of Open Ticket AI: `STUDIO_*` variables, or lines of `studio.env`.

They are not in Open Ticket AI's own `.env`, which refuses every name that it does not know.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

type Language = Literal["en", "de", "fr"]

TICKET_FIELDS = ("queue", "priority")
"""All that a ticket of Open Ticket AI 2 can be given."""


class StudioSettings(BaseSettings):
    """Raises pydantic's ValidationError, naming the variable, where one makes no sense."""

    model_config = SettingsConfigDict(env_prefix="STUDIO_", env_file="studio.env", extra="ignore")

    model: str = Field(description="Address of `otai serve`, such as http://127.0.0.1:8090")
    name: str | None = Field(default=None, description="What notes call the model; left out, as `otai serve` does")
    key: str | None = Field(default=None, description="The key of `otai serve`, where it has one")
    precision: float = Field(default=0.95, gt=0, lt=1, description="How often a label applied alone must be right")
    queue: str | None = Field(default="queue", description="Which attribute is the ticket's queue; empty for none")
    priority: str | None = Field(default="priority", description="Which attribute is its priority; empty for none")
    batch: int = Field(default=20, ge=1, le=500, description="Tickets fetched at once")
    interval: float = Field(default=10.0, gt=0, description="Seconds between two looks at the incoming queue")
    timeout: float = Field(default=30.0, gt=0, description="Seconds that the model may take for a batch")
    dry_run: bool = Field(default=False, description="Write nothing; say in the log what would be done")
    autostart: bool = Field(default=True, description="Start routing with the server")
    language: Language = Field(default="en", description="Of the notes")

    @field_validator("queue", "priority", "key", "name", mode="before")
    @classmethod
    def _empty_is_none(cls, given: str | None) -> str | None:
        return given or None

    @property
    def attribute_of(self) -> dict[str, str]:
        """The attribute that each field of a ticket gets its value from."""
        chosen = {field: getattr(self, field) for field in TICKET_FIELDS}
        return {field: attribute for field, attribute in chosen.items() if attribute}


def studio_settings(folder: Path | None = None) -> StudioSettings:
    """Of the environment, and of `studio.env` in the folder (the current one)."""
    return StudioSettings(_env_file=(folder or Path()) / "studio.env")  # type: ignore[call-arg]
