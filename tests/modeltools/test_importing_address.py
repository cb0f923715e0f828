import pytest

from slipway.modeltools.importing.address import HubAddress

COMMIT = "714eb0fa89d2f80546fda750413ed43d93601a13"


def test_an_address_names_a_repository_and_a_commit() -> None:
    address = HubAddress.parse(f"hf:acme/spam-model_2.0@{COMMIT}")
    assert (address.repo, address.revision, address.is_pinned) == ("acme/spam-model_2.0", COMMIT, True)
    assert str(address) == f"hf:acme/spam-model_2.0@{COMMIT}"


@pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:7], COMMIT.upper(), f"{COMMIT}0", "refs/pr/3"])
def test_what_is_no_whole_commit_is_not_pinned(revision: str) -> None:
    assert not HubAddress.parse(f"hf:acme/spam@{revision}").is_pinned


def test_without_a_revision_the_branch_main_is_meant() -> None:
    assert HubAddress.parse("hf:acme/spam").revision == "main"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hf:",
        "hf:spam",
        f"acme/spam@{COMMIT}",
        f"hf://acme/spam@{COMMIT}",
        f"hf:acme/spam/model.onnx@{COMMIT}",
        f"hf:acme/../etc@{COMMIT}",
        f"hf:../spam@{COMMIT}",
        f"hf:acme/spam--model@{COMMIT}",
        f"hf:acme/spam.git@{COMMIT}",
        f"hf:acme/{'a' * 200}@{COMMIT}",
        f"hf:acme/spam@{COMMIT}@{COMMIT}",
        f"hf:acme/spam @{COMMIT}",
        "hf:acme/spam@",
        f"hf:acme/spam@{COMMIT}\n",
        "https://huggingface.co/acme/spam",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="hf:<owner>/<name>@<commit>, such as hf:distilbert/"):
        HubAddress.parse(text)
