"""Names, and the kubeconfig: what stands in states and in Google's console."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from slipway.components.gke import names
from slipway.components.google.gke_login import kubeconfig

SERVICE_NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)


@given(SERVICE_NAMES)
def test_the_nodes_account_has_a_name_that_google_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", names.account_id(name))


@given(SERVICE_NAMES, SERVICE_NAMES)
def test_two_clusters_have_two_accounts(one: str, other: str) -> None:
    assert (names.account_id(one) == names.account_id(other)) == (one == other)


def test_the_names_of_accounts_stay_as_they_are() -> None:
    """Another name replaces the account with all its grants."""
    assert names.account_id("api") == "api-nodes"
    assert names.account_id("a" * 40) == "aaaaaaaaaaaaaaaaaaaaa-c65e040c"


def test_the_kubeconfig_names_its_authentication_and_holds_no_secret() -> None:
    text = kubeconfig("gke_acme_europe-west4_api", "203.0.113.7", "Q0E=")
    config = json.loads(text)
    [cluster], [user], [context] = config["clusters"], config["users"], config["contexts"]
    assert cluster["cluster"] == {
        "server": "https://203.0.113.7",
        "certificate-authority-data": "Q0E=",
    }
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert "gcloud components install" in user["user"]["exec"]["installHint"]
    assert config["current-context"] == context["name"] == "gke_acme_europe-west4_api"
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert not re.search("token|password|client-key", text)
