"""The engine's sizes, as set or else derived from the machine."""

from .engine import Batching, Engine
from .machine import has_gpu
from .manifest import Manifest
from .settings import Settings

# As few as keep a CPU busy: whoever comes later only waits longer. With 64 connections under way, 96 let the
# wait under overload grow to one and a half times that of full load.
CPU_QUEUE_CALLS, CPU_QUEUE_CALLS_PER_THREAD = 96, 24
# A GPU wants company.
GPU_QUEUE_CALLS, GPU_BATCH_SIZE, GPU_BATCH_TOKENS, GPU_WAIT_MS = 512, 64, 16_384, 2.0
# On a CPU a batch of 8 takes 0.74 of the time of its texts at 15 tokens, and as long as they at 100 and more
# (MiniLM): small ones, of what waits anyway.
CPU_BATCH_SIZE, CPU_BATCH_TOKENS = 8, 256
# CTranslate2 computes on threads of its own; these hand it the calls and wait, so that it finds some to write
# together (service/backends/ct2_lanes.py) and short ones are not behind long ones.
WRITING_THREADS = 32


def threads_for(settings: Settings, manifest: Manifest) -> int:
    """Return how many threads work on calls at once."""
    return WRITING_THREADS if manifest.engine == "ctranslate2" else settings.inference_threads


def engine_for(settings: Settings, manifest: Manifest) -> Engine:
    on_gpu = _is_on_gpu(settings, manifest)
    threads = settings.inference_threads
    cpu_queue_calls = max(CPU_QUEUE_CALLS, CPU_QUEUE_CALLS_PER_THREAD * threads)
    queue_calls = settings.max_queue_calls or (GPU_QUEUE_CALLS if on_gpu else cpu_queue_calls)
    if manifest.engine == "ctranslate2":
        return Engine(threads_for(settings, manifest), queue_calls, settings.max_queue_tokens)
    return Engine(threads, queue_calls, settings.max_queue_tokens, batching_for(settings, manifest))


def _is_on_gpu(settings: Settings, manifest: Manifest) -> bool:
    asked_for = settings.device == "cuda" or (settings.device is None and has_gpu())
    return manifest.engine == "torch" and asked_for


def batching_for(settings: Settings, manifest: Manifest) -> Batching | None:
    """Return how texts are computed together; None: each alone."""
    on_gpu = _is_on_gpu(settings, manifest)
    exact = CPU_BATCH_SIZE if manifest.is_exact_in_batches else 1
    size = settings.max_batch_size or (GPU_BATCH_SIZE if on_gpu else exact)
    if size == 1:
        return None
    wait_ms, threads = settings.max_wait_ms, settings.forward_threads
    return Batching(
        max_batch_size=size,
        max_batch_tokens=settings.max_batch_tokens or (GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS),
        max_padding_share=settings.max_padding_share,
        max_wait_ms=(GPU_WAIT_MS if on_gpu else 0.0) if wait_ms is None else wait_ms,
        forward_threads=(1 if on_gpu else 0) if threads is None else threads,
    )
