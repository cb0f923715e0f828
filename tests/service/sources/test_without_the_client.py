import json
import os
import subprocess
import sys
from pathlib import Path


def test_an_installation_without_the_bucket_client_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "obstore.py").write_text("raise ModuleNotFoundError('gone', name='obstore')\n")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "MODEL_API_KEY": "k" * 20,
        "PORT": "0",
        "MODEL_SOURCE": "s3://models/spam@v1",
    }
    done = subprocess.run([sys.executable, "-m", "service"], env=environment, capture_output=True, text=True)
    line = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, line["cause"]) == (2, "bad_settings")
    assert "--build-arg BUCKETS=1" in line["message"]
