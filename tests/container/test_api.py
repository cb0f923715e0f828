"""The API's own tests, asked of the container: nothing that they reach was left out of the image."""

import inspect

import pytest

from tests.service import test_key_and_page_session, test_pages, test_predict, test_predict_bad_input
from tests.service import test_service_openapi as openapi

pytestmark = pytest.mark.container

document = openapi.document
# The others start servers of their own, or speak to one that trusts this machine.
ASKED = {"server", "client", "stranger", "document"}
STARTED = {"local_server", "tmp_path", "tmp_path_factory"}

for module in (test_key_and_page_session, test_pages, test_predict, test_predict_bad_input, openapi):
    for name, test in inspect.getmembers(module, inspect.isfunction):
        wanted = set(inspect.signature(test).parameters)
        if name.startswith("test_") and wanted & ASKED and not wanted & STARTED:
            globals()[name] = test
