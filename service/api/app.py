"""Assembles the routes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ..clients import Clients, networks
from ..engine import Engine
from ..faults import BadSettings, RequestFault
from ..jobs import JobStore
from ..lifecycle import Lifecycle
from ..manifest import Manifest
from ..metrics import Instruments
from ..metrics.live import Live
from ..payload.sampler import Sampler
from ..quality import Quality
from ..quality.feedback import Feedback
from ..settings import Settings
from ..tasks import Task
from ..traces import Traces
from . import problems
from .access import AccessLog
from .auth import Gate
from .bodies import Bodies
from .ended import EndedRequests
from .job_request import job_reader
from .job_routes import JobRoutes
from .live_routes import live_routes
from .metrics_page import metrics_routes
from .openapi import TITLE, openapi_document
from .page_session import PageSession
from .pages import docs_routes, try_routes
from .predict import Predict
from .probes import PROBES, probes
from .progress import Progress
from .quality_routes import quality_routes


class Api(FastAPI):
    """FastAPI whose OpenAPI document also describes the bare routes."""

    task: Task
    has_jobs: bool = False

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self.task, self.version, self.routes, self.has_jobs)
        return self.openapi_schema


def _metrics_routes(path: str, gate: Gate, ended: EndedRequests, others: Sequence[BaseRoute]) -> list[Route]:
    taken = sorted({*PROBES, *(route.path for route in others if isinstance(route, Route))})
    if path in taken:
        raise BadSettings(
            f"METRICS_PATH: got {path!r}, which the server has for something else ({', '.join(taken)}); "
            "set another path, such as /metrics, or METRICS=own-port."
        )
    return metrics_routes(path, gate, ended)


def ended_requests(settings: Settings, manifest: Manifest, traces: Traces | None = None) -> EndedRequests:
    """Return what records requests as the settings say. traces: what sends their spans."""
    quality = Quality(manifest, Feedback(settings.feedback_predictions, settings.feedback_seconds))
    clients = Clients(networks(settings.trusted_proxies), settings.log_client_address)
    return EndedRequests(Instruments(), quality, clients, traces, is_counted=settings.metrics != "off")


def build_app(
    settings: Settings,
    manifest: Manifest,
    task: Task,
    engine: Engine,
    lifecycle: Lifecycle,
    port: int,
    ended: EndedRequests | None = None,
    live: Live | None = None,
    sampler: Sampler | None = None,
    jobs: JobStore | None = None,
) -> ASGIApp:
    """Build the application.

    port: the one that the server listens on; the system chooses it for PORT=0. ended: records the requests;
    by default as the settings say, without spans. live: what keeps the last minutes for the page, where they
    are counted. sampler: what writes some of the requests to the log, anonymised. jobs: None takes no jobs.
    """
    ended = ended or ended_requests(settings, manifest)
    session = PageSession(port) if settings.local_page_session and settings.serve_page else None
    gate = Gate(settings.keys_by_caller(), session)
    bodies = Bodies(settings.max_body_bytes, settings.request_timeout_seconds)
    posts = {
        operation.path: Predict(operation, engine, gate, lifecycle, bodies, sampler)
        for operation in task.operations
    }
    routes: list[BaseRoute] = [Route(path, predict, methods=["POST"]) for path, predict in posts.items()]
    if jobs is not None:
        reader = job_reader(settings, task.operations, settings.max_texts)
        seconds = settings.request_timeout_seconds
        routes += JobRoutes(jobs, reader, gate, lifecycle, bodies, seconds).routes()
    if settings.serve_page:
        routes += try_routes(session, gate, task.operations[0], settings.serve_docs, live is not None)
        routes += live_routes(live, gate) if live is not None else []
    if settings.serve_docs:
        routes += docs_routes()
    answers = None if settings.metrics == "off" else partial(ended.instruments.answers, posts.keys())
    routes += quality_routes(ended, gate, manifest.model_version, answers)
    if settings.metrics == "public-port":
        routes += _metrics_routes(settings.metrics_path, gate, ended, routes)
    app = api_of(settings, routes)
    app.task, app.has_jobs = task, jobs is not None
    progress = Progress(engine, settings.request_timeout_seconds)
    app.include_router(probes(lifecycle, manifest, settings.service_version, progress))
    paths = {route.path for route in app.routes if isinstance(route, Route)} | PROBES
    return AccessLog(app, posts, lifecycle, paths, ended)


def build_worker_app(
    settings: Settings, manifest: Manifest, engine: Engine, lifecycle: Lifecycle, ended: EndedRequests
) -> ASGIApp:
    """Build the application of a worker: the probes, and the metrics page where it is on the public port."""
    gate = Gate(settings.keys_by_caller(), None)
    on_port = settings.metrics == "public-port"
    app = api_of(settings, _metrics_routes(settings.metrics_path, gate, ended, ()) if on_port else ())
    progress = Progress(engine, settings.request_timeout_seconds)
    app.include_router(probes(lifecycle, manifest, settings.service_version, progress))
    paths = {route.path for route in app.routes if isinstance(route, Route)} | PROBES
    return AccessLog(app, {}, lifecycle, paths, ended)


def api_of(settings: Settings, routes: Sequence[BaseRoute]) -> Api:
    """Return FastAPI with these routes, and with the problem documents of this service."""
    is_documented = settings.serve_docs and settings.role == "server"
    return Api(
        title=TITLE,
        version=settings.service_version,
        openapi_url="/openapi.json" if is_documented else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        routes=list(routes),
        exception_handlers={
            RequestFault: problems.on_request_fault,
            HTTPException: problems.on_http_exception,
            RequestValidationError: problems.on_validation_error,
            Exception: problems.on_unknown_error,
        },
    )
