"""Models that write what a test tells them, a token at a time, behind the real app and protocol."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop
from pydantic import SecretStr

from slipway.service.api.app import build_app
from slipway.service.backends.generation import ChatRefused, Sampling, always
from slipway.service.engine import Engine
from slipway.service.lifecycle import Lifecycle
from slipway.service.listener import address_of, listener
from slipway.service.manifest import Manifest
from slipway.service.settings import Settings
from slipway.service.tasks import Limits, Task
from slipway.service.tasks.generate import Generate, GenerateManifest
from slipway.service.tasks.summaries import SummarizeManifest
from slipway.service.tasks.summarize import Summarize
from tests.service.running_server import KEY, protocol
from tests.service.tasks.byte_tokenizer import VOCABULARY, byte_tokenizer

Model = tuple[Task, Manifest]
CONTEXT = 128
MANIFEST: dict[str, Any] = {
    "name": "fake",
    "version": "1.0.0",
    "license": "CC0-1.0",
    "engine": "torch",
    "files": {"model.safetensors": {"sha256": "0" * 64, "bytes": 1}},
}


class FakeCausal:
    """Writes `says` and ends. With `steps` it waits for one before each token. fails_at: its number."""

    context_tokens = CONTEXT
    vocabulary_size = VOCABULARY

    def __init__(
        self,
        says: str,
        has_chat_template: bool = True,
        steps: threading.Semaphore | None = None,
        fails_at: int = -1,
    ) -> None:
        self.has_chat_template = has_chat_template
        self.tokens: list[int] = byte_tokenizer().encode(says).ids
        self.steps = steps
        self.fails_at = fails_at
        self.lock = threading.Lock()
        self.waits = False
        self.seen: list[tuple[list[int], Sampling]] = []
        self.at_once = self.most_at_once = 0
        self.under_way = threading.Semaphore(0)
        self.left_off = threading.Semaphore(0)

    def forget_the_warm_up(self) -> None:
        """From here on it waits for its steps."""
        self.seen.clear()
        self.most_at_once = 0
        self.under_way = threading.Semaphore(0)
        self.waits = True

    def chat_token_ids(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        if messages[-1]["role"] == "assistant":
            raise ChatRefused("the last message must be the user's")
        return byte_tokenizer().encode("".join(f"{m['role']}:{m['content']}\n" for m in messages)).ids

    def generate(
        self,
        token_ids: Sequence[int],
        sampling: Sampling,
        on_token: Callable[[int], bool],
        going: Callable[[], bool] = always,
    ) -> bool:
        del going
        self.seen.append((list(token_ids), sampling))
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.under_way.release()
        try:
            return self._written(sampling, on_token)
        finally:
            with self.lock:
                self.at_once -= 1

    def _written(self, sampling: Sampling, on_token: Callable[[int], bool]) -> bool:
        for number, token in enumerate(self.tokens[: sampling.max_new_tokens]):
            if self.waits and self.steps is not None:
                assert self.steps.acquire(timeout=20)
            if number == self.fails_at and self.waits:
                raise RuntimeError("a secret of the inside")
            if not on_token(token):
                self.left_off.release()
                return False
        return len(self.tokens) < sampling.max_new_tokens


class FakeSeq2Seq:
    """Gives the first `keeps` characters of each text's, in capitals, within the lengths it is asked for."""

    vocabulary_size = VOCABULARY

    def __init__(self, keeps: int = 8, steps: threading.Semaphore | None = None) -> None:
        self.keeps = keeps
        self.steps = steps
        self.waits = False
        self.seen: list[tuple[str, int, int]] = []
        self.under_way = threading.Semaphore(0)
        self.left_off = threading.Semaphore(0)

    def forget_the_warm_up(self) -> None:
        """From here on it waits for its steps."""
        self.seen.clear()
        self.under_way = threading.Semaphore(0)
        self.waits = True

    def generate(
        self, token_ids: Sequence[int], min_new_tokens: int, max_new_tokens: int, going: Callable[[], bool]
    ) -> list[int] | None:
        tokenizer = byte_tokenizer()
        text: str = tokenizer.decode(list(token_ids), skip_special_tokens=True)
        self.seen.append((text, min_new_tokens, max_new_tokens))
        self.under_way.release()
        if self.waits and self.steps is not None:
            assert self.steps.acquire(timeout=20)
        if not going():
            self.left_off.release()
            return None
        answer = text.partition(": ")[2].upper()[: min(max_new_tokens, max(self.keeps, min_new_tokens))]
        return [*tokenizer.encode(answer).ids, tokenizer.token_to_id("</s>")]

    def generate_all(
        self,
        prompts: Sequence[Sequence[int]],
        min_new_tokens: int,
        max_new_tokens: int,
        going: Callable[[], bool],
    ) -> list[list[int]] | None:
        answers: list[list[int]] = []
        for prompt in prompts:
            answer = self.generate(prompt, min_new_tokens, max_new_tokens, going)
            if answer is None:
                return None
            answers.append(answer)
        return answers


def generating(backend: FakeCausal, **manifest: Any) -> Model:
    checked = GenerateManifest.model_validate(
        {"task": "generate", "max_tokens": CONTEXT} | MANIFEST | manifest
    )
    task = Generate(checked, Limits(20, 1000))
    task.attach(byte_tokenizer(), backend)
    backend.forget_the_warm_up()
    return task, checked


def summarizing(backend: FakeSeq2Seq, **manifest: Any) -> Model:
    given: dict[str, Any] = (
        {"max_tokens": 64, "max_new_tokens": 40, "prefix": "summarize: "} | MANIFEST | manifest
    )
    checked = SummarizeManifest.model_validate({"task": "summarize"} | given)
    task = Summarize(checked, Limits(20, 5000))
    task.attach(byte_tokenizer(ends_with="</s>"), backend)
    backend.forget_the_warm_up()
    return task, checked


class Served:
    def __init__(self, url: str, server: uvicorn.Server) -> None:
        self.url = url
        self.ended = threading.Event()
        self._server = server

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def shut_down(self, within_seconds: int) -> None:
        """As after SIGTERM: what is under way may go on for so long."""
        self._server.config.timeout_graceful_shutdown = within_seconds
        self._server.should_exit = True


@contextmanager
def serving(
    model: Model, threads: int = 1, max_queue_calls: int = 100, **changes: object
) -> Generator[Served]:
    task, manifest = model
    settings = Settings.model_construct(
        None,
        **{name: field.get_default() for name, field in Settings.model_fields.items()}
        | {"model_api_key": SecretStr(KEY)}
        | changes,
    )
    lifecycle = Lifecycle()
    lifecycle.model_is_warm()
    engine = Engine(threads, max_queue_calls, 1_000_000)
    sock = listener("127.0.0.1", 0)
    host, port = address_of(sock)
    app = build_app(settings, manifest, task, engine, lifecycle, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
    )
    loop = uvloop.new_event_loop()
    served = Served(f"http://{host}:{port}", server)

    def serve() -> None:
        loop.run_until_complete(server.serve(sockets=[sock]))
        served.ended.set()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join()
        loop.close()
        assert engine.stop(timeout_seconds=20)


@contextmanager
def serving_held_back(backend: FakeCausal) -> Generator[Served]:
    """Serve a backend that writes only as its `steps` are released; at the end all of them are."""
    with serving(generating(backend)) as served:
        try:
            yield served
        finally:
            assert backend.steps is not None
            backend.steps.release(1000)
