"""Generation: a prompt or a chat to what follows, by a decoder-only model; also in OpenAI's forms."""

import time
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, Field, create_model
from tokenizers import Tokenizer

from ..backends.generation import Causal
from ..engine import Work
from ..faults import BadModel, FieldFault, InvalidInput
from ..folder import ModelFolder
from ..manifest import CAUSAL_FILES, MOST_TOKENS, EngineFiles, TextManifest
from . import Limits, Operation, Task
from .bounds import Bounds
from .chat import messages_within
from .generate_form import GenerateFields, Generation, PlainForm
from .generation import Asked, CausalModel, Ended, Form, GenerationWork
from .openai_answers import ChatCompletion, ChatForm, Completion, CompletionForm
from .openai_requests import ChatFields, CompletionFields, OpenAiRequest, one_prompt
from .requests import parsed
from .streams import DONE, event
from .tokenizing import BoundedTokenizer

PROMPT = "A slipway is"
CHAT = [{"role": "user", "content": "What is a slipway?"}]
WARM_UP_TOKENS = 4
ANSWER = " a ramp on which ships are built."
ENDED = Ended("stop", 12, 9)
PROMPT_DESCRIBED: Any = {"description": "The text to continue.", "examples": [PROMPT]}
CHAT_DESCRIBED: Any = {"description": "The chat so far; the model needs a chat template.", "examples": [CHAT]}

TRequest = TypeVar("TRequest", bound=BaseModel)
TOpenAi = TypeVar("TOpenAi", bound=OpenAiRequest)


class GenerateManifest(TextManifest):
    """A decoder-only model. max_tokens: of a prompt and its answer together, the model's context."""

    max_new_tokens: int | None = Field(default=None, ge=1, le=MOST_TOKENS)
    """Most tokens of an answer whose request does not say; default: what its prompt leaves."""


class Generate(Task):
    manifest_type = GenerateManifest
    files: ClassVar[EngineFiles] = CAUSAL_FILES

    def __init__(self, manifest: GenerateManifest, limits: Limits) -> None:
        text: Any = Annotated[str, Field(min_length=1, max_length=limits.max_text_characters)]
        chat: Any = messages_within(limits)
        self._plain_request = _model(
            "GenerateRequest",
            GenerateFields,
            prompt=(text | None, Field(default=None, **PROMPT_DESCRIBED)),
            messages=(chat | None, Field(default=None, **CHAT_DESCRIBED)),
        )
        self._completion_request = _model(
            "CompletionRequest", CompletionFields, prompt=(one_prompt(text), Field(**PROMPT_DESCRIBED))
        )
        self._chat_request = _model(
            "ChatCompletionRequest", ChatFields, messages=(chat, Field(**CHAT_DESCRIBED))
        )
        self._bounds = Bounds.for_items(limits.max_texts, "messages")
        self._texts = manifest.examples or (PROMPT,)
        self._manifest = manifest
        self._limits = limits
        self._version = manifest.model_version
        self._model: CausalModel | None = None
        self.operations = (self._generate(), self._completions(), self._chat())

    def _generate(self) -> Operation:
        form = PlainForm(self._version, time.perf_counter())
        timing = {"latency_ms": 812.4, "model_version": self._version}
        return Operation(
            path="/generate",
            operation_id="generate",
            summary="Continue a text, or answer in a chat",
            description=self._limit(),
            request_model=self._plain_request,
            answer_models=(Generation,),
            request_examples={
                "a prompt": {"prompt": self._texts[0], "max_tokens": 32},
                "a chat": {"messages": CHAT, "max_tokens": 32, "temperature": 0},
            },
            answer_examples={"an answer": form.whole(ANSWER, ENDED) | timing},
            stream_example=_stream_example(form),
            work=self.work,
            texts=self._texts,
        )

    def _completions(self) -> Operation:
        form = CompletionForm(self._version)
        return Operation(
            path="/v1/completions",
            operation_id="createCompletion",
            summary="Continue a text as OpenAI's API does",
            description=self._limit() + " OpenAI's own clients work unchanged.",
            request_model=self._completion_request,
            answer_models=(Completion,),
            request_examples={"a prompt": {"model": self._manifest.name, "prompt": PROMPT, "max_tokens": 32}},
            answer_examples={"an answer": form.whole(ANSWER, ENDED)},
            stream_example=_stream_example(form),
            work=self._completion_work,
        )

    def _chat(self) -> Operation:
        form = ChatForm(self._version)
        return Operation(
            path="/v1/chat/completions",
            operation_id="createChatCompletion",
            summary="Answer in a chat as OpenAI's API does",
            description=self._limit() + " OpenAI's own clients work unchanged.",
            request_model=self._chat_request,
            answer_models=(ChatCompletion,),
            request_examples={"a chat": {"model": self._manifest.name, "messages": CHAT, "max_tokens": 32}},
            answer_examples={"an answer": form.whole(ANSWER, ENDED)},
            stream_example=_stream_example(form),
            work=self._chat_work,
        )

    def _limit(self) -> str:
        return (
            f"Model `{self._version}`. Prompt and answer together have at most {self._manifest.max_tokens} "
            "tokens; a request for more is refused."
        )

    def load(self, model: ModelFolder) -> None:
        model.refuse_unlisted()
        self.attach(model.tokenizer(), _backend(model))

    def attach(self, tokenizer: Tokenizer, backend: Causal) -> None:
        """Take the model and warm it up. Raises BadModel if it does not fit the manifest or the tokenizer."""
        context = self._manifest.max_tokens
        if 0 < backend.context_tokens < context:
            raise BadModel(
                f"the manifest's max_tokens is {context}; config.json gives the model "
                f"{backend.context_tokens} positions (max_position_embeddings). Lower max_tokens."
            )
        tokenizer.no_padding()
        tokenizer.no_truncation()
        most = self._manifest.max_new_tokens or context
        bounded = BoundedTokenizer(tokenizer, self._limits.max_text_characters)
        model = CausalModel(tokenizer, bounded, backend, context, most)
        model.expect_to_fit()
        for prompt in (PROMPT, CHAT) if backend.has_chat_template else (PROMPT,):
            self._try(model, prompt)
        self._model = model

    def _try(self, model: CausalModel, prompt: Any) -> None:
        asked = Asked(prompt, WARM_UP_TOKENS, temperature=0.5)
        work = GenerationWork(model, asked, PlainForm(self._version, 0), DONE)
        try:
            work.step(0)
        except Exception as error:  # Transformers and templates have classes of their own
            raise BadModel(f"the model fails on {prompt!r}: {str(error).strip()[:300]}") from None

    def work(self, body: bytes, received: float) -> Work[bytes]:
        request = parsed(self._plain_request, body, self._bounds)
        return self._work(request.asked(), PlainForm(self._version, received))

    def _completion_work(self, body: bytes, received: float) -> Work[bytes]:
        del received
        request = _openai(self._completion_request, body, self._bounds)
        return self._work(request.asked(), CompletionForm(self._version, request.includes_usage))

    def _chat_work(self, body: bytes, received: float) -> Work[bytes]:
        del received
        request = _openai(self._chat_request, body, self._bounds)
        return self._work(request.asked(), ChatForm(self._version, request.includes_usage))

    def _work(self, asked: Asked, form: Form) -> Work[bytes]:
        if self._model is None:
            raise RuntimeError("work before load")
        if isinstance(asked.prompt, str):
            return GenerationWork(self._model, asked, form, DONE)
        if not self._model.backend.has_chat_template:
            detail = "need a chat template, which this model lacks"
            raise InvalidInput(
                f"messages {detail}; send a prompt to /v1/completions or /generate",
                errors=[FieldFault("#/messages", detail)],
            )
        characters = sum(len(message["content"]) for message in asked.prompt)
        if characters > self._limits.max_text_characters:
            detail = f"have {characters} characters; at most {self._limits.max_text_characters} are allowed"
            raise InvalidInput(f"messages {detail}", errors=[FieldFault("#/messages", detail)])
        return GenerationWork(self._model, asked, form, DONE)


def _backend(model: ModelFolder) -> Causal:
    if model.engine == "ctranslate2":
        from ..backends.ct2_causal import Ct2Causal

        return Ct2Causal(model)
    from ..backends.causal import TorchCausal

    return TorchCausal(model.path, model.device)


def _model(name: str, base: type[TRequest], **fields: Any) -> type[TRequest]:
    return create_model(name, __base__=base, __doc__=base.__doc__, **fields)


def _openai(model: type[TOpenAi], body: bytes, bounds: Bounds) -> TOpenAi:
    request = parsed(model, body, bounds)
    request.refuse_what_is_not_done()
    return request


def _stream_example(form: Form) -> str:
    parts = [*form.opening(), form.piece(ANSWER), *form.closing(ENDED)]
    return (b"".join(map(event, parts)) + DONE).decode()


TASK = Generate
