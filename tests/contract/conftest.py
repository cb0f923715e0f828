from collections.abc import Iterator

import pytest

from tests.contract.cloud_run_api import Judge


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    judge.close()
