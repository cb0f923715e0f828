"""Sets the random generator of CTranslate2's own thread before each draw, so that a seed is a request's.

The engine seeds one generator per thread, once, from a number that is global to the process. Its callback
runs on that thread, between two draws: there the state is written, made from the request's seed and the
number of the token. Source: CTranslate2, src/random.cc and src/ops/multinomial_cpu.cc; std::mt19937 is 624
words and a place, in libstdc++ (bits/random.h) each as wide as an unsigned long.
"""

import ctypes
import threading
from pathlib import Path
from typing import Any

import numpy as np

from .ct2_library import engine

WORDS = 624
# ctranslate2::get_random_generator()
SYMBOL = "_ZN11ctranslate220get_random_generatorEv"
# Knuth's initialisation, of which the state of a fresh generator consists: C++ standard, rand.eng.mers.
MULTIPLIER = 1_812_433_253
MASK = (1 << 64) - 1
# A draw takes a double's 53 bits, two words: std::generate_canonical. Only these need be of the request.
DRAWN = 2


class EngineRandom:
    """The generator of the calling thread."""

    def __init__(self) -> None:
        """Find it. Raises OSError if this build has none of the known form."""
        self._generator = _function()
        known: list[bool] = []
        fresh = threading.Thread(target=lambda: known.append(_is_fresh(self._state())))
        fresh.start()
        fresh.join()
        if known != [True]:
            raise OSError("the engine's random generator has another form")

    def seed(self, seed: int, number: int) -> None:
        """Set the generator for the draw of the answer's token of that number."""
        state = self._state()
        state[WORDS - DRAWN : WORDS] = np.random.SeedSequence([seed & MASK, number]).generate_state(DRAWN)
        state[WORDS] = WORDS - DRAWN

    def _state(self) -> Any:
        """Return the memory of the calling thread's generator: its words, then the place of the next."""
        address = self._generator()
        words = (ctypes.c_ulong * (WORDS + 1)).from_address(address)
        return np.ctypeslib.as_array(words)


def _function() -> Any:
    home = Path(engine.__file__).parent
    for path in sorted(home.parent.glob("ctranslate2.libs/libctranslate2*")):
        try:
            function = ctypes.CDLL(str(path))[SYMBOL]
        except AttributeError:
            continue
        function.restype, function.argtypes = ctypes.c_void_p, []
        return function
    raise OSError(f"{home} has no library with the engine's random generator")


def _is_fresh(state: Any) -> bool:
    """Return whether it looks as a generator does that was just seeded."""
    words = [int(word) for word in state[:WORDS]]
    return int(state[WORDS]) == WORDS and all(
        words[at] == (MULTIPLIER * (words[at - 1] ^ words[at - 1] >> 30) + at) & 0xFFFFFFFF
        for at in range(1, WORDS)
    )
