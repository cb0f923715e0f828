import pytest

pytest.register_assert_rewrite("tests.service.backends.openai_client")  # its tests are run by others
