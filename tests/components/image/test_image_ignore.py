import pytest

from slipway.components.image.ignore import IgnoreFile

RULES = IgnoreFile("""
# a comment
*
!LICENSE
!service
!docs/*/kept.md

**/.*
**/__pycache__
**/*.pyc
service/models/training
service/requirements*.in
service/file?.txt
""")


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        ".venv/bin/python",
        "infra/cli/app.py",
        "service/.env",
        "service/models/.cache/weights",
        "service/api/__pycache__/app.cpython-311.pyc",
        "service/api/old.pyc",
        "service/models/training/data.py",
        "service/requirements-train.in",
        "service/file1.txt",
        "docs/guides/deep/kept.md",
    ],
)
def test_what_a_build_does_not_get_is_ignored(path: str) -> None:
    assert RULES.ignores(path)


@pytest.mark.parametrize(
    "path",
    [
        "LICENSE",
        "service/api/app.py",
        "service/models/sms-spam/model.onnx",
        "service/requirements.txt",
        "service/models/training-set/a.py",
        "service/file12.txt",
        "docs/guides/kept.md",
    ],
)
def test_what_a_build_gets_is_kept(path: str) -> None:
    assert not RULES.ignores(path)


@pytest.mark.parametrize(
    ("folder", "skipped"),
    [
        (".venv", True),
        ("infra", True),
        (".git/objects", True),
        ("service", False),
        ("docs", False),
    ],
)
def test_only_a_folder_that_no_exception_reaches_is_skipped(folder: str, skipped: bool) -> None:
    assert RULES.skips(folder) is skipped


def test_the_last_rule_that_matches_decides() -> None:
    assert IgnoreFile("!a\na").ignores("a")
    assert not IgnoreFile("a\n!a").ignores("a/b")


@pytest.mark.parametrize("line", ["[ab].py", "!a\\*b"])
def test_a_pattern_that_would_be_read_otherwise_than_docker_does_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\.dockerignore has .* only \*, \*\* and \? are read"):
        IgnoreFile(line)
