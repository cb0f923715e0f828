"""A library without what only a debugger reads is smaller, and is loaded and called as before."""

import ctypes
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.service.drop_symbols import main, without_symbols

engine = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed here")
LIBRARIES = Path(engine.__file__).parent.parent / "ctranslate2.libs"


def test_the_engine_without_symbols_is_smaller_and_works(tmp_path: Path) -> None:
    before = 0
    for name in ("ctranslate2", "ctranslate2.libs"):
        source = LIBRARIES.parent / name
        shutil.copytree(source, tmp_path / name)
        before += sum(path.stat().st_size for path in source.rglob("*.so*"))
        main(tmp_path / name)
    after = sum(path.stat().st_size for path in tmp_path.rglob("*.so*"))
    assert after < before * 0.6
    folder = Path(__file__).parent / "backends" / "first-sentence"
    code = (
        f"import ctranslate2; assert ctranslate2.__file__.startswith({str(tmp_path)!r}); "
        f"made = ctranslate2.Translator({str(folder)!r}); "
        "print(made.translate_batch([['O', 'k', '</s>']], max_decoding_length=4)[0].hypotheses)"
    )
    line = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[['O', 'k'")


def test_the_loader_finds_the_functions_of_a_library_without_symbols(tmp_path: Path) -> None:
    path = next(LIBRARIES.glob("libgomp*"))
    (tmp_path / path.name).write_bytes(without_symbols(path.read_bytes()))
    assert ctypes.CDLL(str(tmp_path / path.name)).omp_get_max_threads() >= 1


def test_no_section_is_left_to_point_at_what_is_gone() -> None:
    content = without_symbols(next(LIBRARIES.glob("libgomp*")).read_bytes())
    assert struct.unpack_from("<Q", content, 40) == (0,)
    assert struct.unpack_from("<3H", content, 58) == (0, 0, 0)
