import os
import subprocess
import sys

import pytest

ASK = "import sys, os; import service.backends.onnx; print(os.environ['ORT_DISABLE_TELEMETRY'])"


@pytest.mark.parametrize(("given", "found"), [({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")])
def test_the_runtime_sends_nothing_home_unless_it_is_asked_to(given: dict[str, str], found: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    said = subprocess.check_output([sys.executable, "-c", ASK], env=environment | given, text=True)
    assert said.strip() == found
