"""What a cluster, KServe and cert-manager take and refuse."""

import json

from tests.contract.verdicts.rows import GPU, WORKLOAD_REFUSES, WORKLOAD_TAKES, Rows, each, sized

TAKES: Rows = [
    ("K8S quantities", sized(("0.5", "512Mi"), ("16", "64Gi"), ("0.25", "256Mi"))),
    ("K8S namespace names", each("namespace", "models", "a1")),
    (
        "K8S label keys and values",
        each("nodeSelector", '{"disk": "ssd"}', '{"example.com/pool": "a.b_c-d"}'),
    ),
    (
        "K8S Ingress",
        [
            {"domain": "api.example.com", "ingressClass": "nginx"},
            {"domain": "api.example.com", "tlsSecret": "api-tls", "certIssuer": "letsencrypt"},
            {"domain": "api.xn--e1afmkfd.xn--p1ai"},
        ],
    ),
    (
        "KSERVE",
        [
            {"serving": "kserve", "canaryPercent": "10"},
            {"serving": "kserve", "timeout": "600"},
            {"serving": "kserve", "minInstances": "0"},
        ],
    ),
    ("K8S Secret keys", each("secrets", '{"TOKEN": "kubernetes:shared/token.txt"}')),
    ("K8S extended resources", [{**GPU, "gpuCount": "2"}]),
    *WORKLOAD_TAKES,
    (
        "EKS associate-service-account-role",
        each(
            "serviceAccountAnnotations", '{"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/a"}'
        ),
    ),
    (
        "K8S Ingress annotations",
        [
            {
                "domain": "api.example.com",
                "ingressAnnotations": '{"nginx.ingress.kubernetes.io/proxy-body-size": "16m"}',
            },
            {"domain": "api.example.com", "ingressAnnotations": '{"kubernetes.io/ingress.class": "nginx"}'},
        ],
    ),
    ("K8S kubernetes.io/arch", each("platform", "linux/amd64", "linux/arm64")),
]
REFUSES: Rows = [
    ("K8S namespace names", each("namespace", "Models", "a_b", "a" * 64)),
    ("K8S label keys and values", each("nodeSelector", '{"disk": "a b"}', '{"-a": "b"}')),
    ("K8S label values", each("labels", json.dumps({"a": "b" * 64}))),
    ("K8S Ingress hosts", each("domain", "API.example.com", "a_b.example.com")),
    (
        "KNATIVE config-defaults: max-revision-timeout-seconds is 600",
        [{"serving": "kserve", "timeout": "601"}],
    ),
    ("KSERVE canaryTrafficPercent", [{"canaryPercent": "10"}, {"serving": "kserve", "canaryPercent": "101"}]),
    (
        "K8S Service: its requests are shared by pods",
        [{"rollout": "canary", "canaryPercent": "1", "maxInstances": "4"}],
    ),
    ("K8S HorizontalPodAutoscaler: no scale to zero", each("minInstances", "0")),
    (
        "K8S NetworkPolicy: of a public service it limits nobody",
        [{"allowedNamespaces": '["shop"]', "public": "true"}],
    ),
    ("K8S namespace names", each("allowedNamespaces", '["Shop_1"]')),
    (
        "cert-manager: a Certificate fills a Secret",
        [{"domain": "api.example.com", "certIssuer": "letsencrypt"}],
    ),
    *WORKLOAD_REFUSES,
    (
        "K8S Ingress: its class is named once",
        [
            {
                "domain": "api.example.com",
                "ingressClass": "nginx",
                "ingressAnnotations": '{"kubernetes.io/ingress.class": "nginx"}',
            },
        ],
    ),
    ("an Ingress has a domain", each("ingressAnnotations", '{"example.com/a": "b"}')),
    ("docs.docker.com platforms: of the server's image", each("platform", "windows/amd64")),
    ("KSERVE: its own autoscaler and no budget", [{"serving": "kserve", "cpuTarget": "70"}]),
    ("K8S environment names", each("env", '{"1A": "b"}')),
    ("SERVER LOG_LEVEL", each("env", '{"LOG_LEVEL": "verbose"}')),
]
