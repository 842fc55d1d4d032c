"""Open Ticket AI, started with a model of OTAI Studio: `otai-open-ticket-ai`."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from open_ticket_ai.api.dependencies import WORKFLOW_TEMPLATES, AppState
from open_ticket_ai.api.models import TemplateParameterSchema, WorkflowTemplateResponse
from open_ticket_ai.api.routers import classify, tickets, workflows
from open_ticket_ai.api.routers import settings as settings_routes
from open_ticket_ai.core.ai_classification_services.classification_service import ClassificationService
from open_ticket_ai.core.pipes.pipe import Pipe
from open_ticket_ai.core.ticket_system_integration.unified_models import TicketSearchCriteria, UnifiedEntity
from open_ticket_ai.pipes.orchestrators.simple_sequential_orchestrator import SimpleSequentialOrchestrator
from open_ticket_ai.pipes.ticket_system_pipes import FetchTicketsPipe
from open_ticket_ai.settings import Settings
from pydantic import ValidationError

from otai_open_ticket_ai.deciding import Decider, ModelUnavailable, ModelUnusable, ServedModel
from otai_open_ticket_ai.pipe import DecideAndRoutePipe, Routing
from otai_open_ticket_ai.service import StudioClassificationService
from otai_open_ticket_ai.settings import StudioSettings, studio_settings

TEMPLATE = "studio_decide_and_route"

log = logging.getLogger(__name__)


class StudioState(AppState):
    """Open Ticket AI's shared objects, with the model of Studio in place of two of Hugging Face, and a template of its
    own beside theirs."""

    def __init__(self, settings: Settings, studio: StudioSettings, decider: Decider) -> None:
        self.studio = studio
        self.decider = decider
        super().__init__(settings)

    def _build_classification_service(self, settings: Settings) -> ClassificationService:  # type: ignore[override]
        return StudioClassificationService(self.decider)

    def build_pipeline_from_template(self, template_name: str, params: dict[str, Any]) -> Pipe:
        if template_name == TEMPLATE:
            return self._decide_and_route(params)
        return super().build_pipeline_from_template(template_name, params)

    def _decide_and_route(self, params: dict[str, Any]) -> Pipe:
        routing = self.routing(params)
        fetched = FetchTicketsPipe(
            pipe_id="ticket_fetcher",
            ticket_system=self.ticket_system,
            search_criteria=TicketSearchCriteria(
                queue=UnifiedEntity(name=params.get("incoming_queue", self.settings.incoming_queue)),
                limit=self.studio.batch,
            ),
        )
        decided = DecideAndRoutePipe(
            "decide_and_route",
            ticket_system=self.ticket_system,
            decider=self.decider,
            routing=routing,
            fetched_by=fetched.pipe_id,
        )
        return SimpleSequentialOrchestrator.polling(
            pipe_id="orchestrator",
            interval_seconds=self.studio.interval,
            steps=[fetched, decided],
            sleep=min(self.studio.interval, 1.0),
        )

    def routing(self, params: dict[str, Any] | None = None) -> Routing:
        params = params or {}
        return Routing(
            attribute_of=self.studio.attribute_of,
            fallback_queue=params.get("fallback_queue", self.settings.fallback_queue),
            precision=self.studio.precision,
            language=self.studio.language,
            dry_run=bool(params.get("dry_run", self.studio.dry_run)),
        )


def application(settings: Settings, studio: StudioSettings, decider: Decider) -> FastAPI:
    """Open Ticket AI's routes over its own objects; routing starts with it where that is wanted.

    They are put together here as in its `create_app`, which ends in an AttributeError in 2.0.0: its parameter
    `settings` hides the module of that name.
    """
    WORKFLOW_TEMPLATES[TEMPLATE] = WorkflowTemplateResponse(
        name=TEMPLATE,
        description="Decides all attributes of incoming tickets at once, each by its own measured threshold.",
        parameters=[
            TemplateParameterSchema(name="incoming_queue", type="string", description="Queue to read tickets from"),
            TemplateParameterSchema(name="fallback_queue", type="string", description="Queue of undecided tickets"),
            TemplateParameterSchema(name="dry_run", type="boolean", description="Write nothing", default=False),
        ],
    )
    state = StudioState(settings, studio, decider)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if studio.autostart:
            state.workflow_manager.start(TEMPLATE, {}, state.build_pipeline_from_template(TEMPLATE, {}))
        yield
        state.workflow_manager.stop_all()

    app = FastAPI(title="Open Ticket AI, with a model of OTAI Studio", lifespan=lifespan)
    app.state.app_state = state
    for routes in (classify, settings_routes, tickets, workflows):
        app.include_router(routes.router)

    @app.get("/health", tags=["system"])
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def run() -> None:
    """The command: settings of Open Ticket AI from its `.env`, ours from `studio.env`, both from the environment."""
    try:
        settings, studio = Settings(), studio_settings()
    except ValidationError as error:
        sys.exit(f"The settings cannot be used:\n{error}")
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    decider = ServedModel(
        studio.model, precision=studio.precision, key=studio.key, name=studio.name, timeout=studio.timeout
    )
    _checked(decider, studio)
    uvicorn.run(application(settings, studio, decider), host=settings.api_host, port=settings.api_port)


def _checked(decider: Decider, studio: StudioSettings) -> None:
    """Ends the program where the model cannot do what the settings want of it, and says what it could."""
    try:
        attributes = decider.attributes
    except ModelUnavailable as error:
        log.warning("%s Tickets wait in their queue until it does.", error)
        return
    except ModelUnusable as error:
        sys.exit(str(error))
    if unknown := [name for name in studio.attribute_of.values() if name not in attributes]:
        sys.exit(
            f"The model predicts no {unknown[0]}, but {', '.join(attributes)}."
            " STUDIO_QUEUE and STUDIO_PRIORITY name attributes; leave one empty to set none."
        )
    log.info("Model %s decides %s", decider.name, ", ".join(attributes))


if __name__ == "__main__":
    run()
