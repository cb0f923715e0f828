"""Services that Kubernetes takes, and for each rule arguments that it would not."""

from typing import Any

from slipway.components.kubernetes import ModelDelivery, ScaleOn, Serving

IMAGE = "europe-west4-docker.pkg.dev/acme/slipway/api@sha256:" + "a" * 64
KEY = "a-key-of-enough-characters"
BUCKET = "gs://models/spam/v2@1763721600000000"

PLAIN: dict[str, Any] = {"model": "bundled:sms-spam", "image_ref": IMAGE, "min_replicas": 2}
GPU: dict[str, Any] = {"gpu": "nvidia-l4", "cpu": 4, "memory_gib": 12}
POOL: dict[str, Any] = {"node_cpu": 7.5, "node_memory_gib": 26, "node_gpus": 1, "max_nodes": 4}
GOOGLE: dict[str, Any] = {
    "google_project": "acme-prod",
    "google_region": "europe-west4",
    "cluster_name": "main",
}

EVERYTHING: dict[str, Any] = {
    **GPU,
    **GOOGLE,
    "model": BUCKET,
    "model_storage_class": "standard-rwx",
    "kubeconfig": "{}",
    "public": True,
    "domain": "api.example.com",
    "metrics_path": "/metrics",
    "secret_values": {"HF_TOKEN": "hush"},
    "secrets": {"DATABASE": "database/url"},
    "requests_metric": "requests",
    "requests_per_replica": 3,
    "node_selector": {"pool": "gpu"},
}

RIGHT: dict[str, dict[str, Any]] = {
    "defaults": {},
    "floats, as other languages send them": {
        "cpu": 2.0,
        "max_replicas": 5.0,
        "port": 9000.0,
        "min_available": 1.0,
    },
    "a fraction of a cpu": {"cpu": 0.25, "memory_gib": 0.5},
    "one pod": {"min_replicas": 1, "max_replicas": 1},
    "a fixed number": {"min_replicas": 3, "max_replicas": 3},
    "many pods": {"min_replicas": 10, "max_replicas": 100, "min_available": 9},
    "a GPU": GPU,
    "a GPU of a pool that is full": {**GPU, **POOL, "max_replicas": 4},
    "a GPU of a pool with room": {**GPU, **POOL, "max_replicas": 3},
    "a GPU whose driver runs the image": {**GPU, "node_driver": 580, "cuda_version": "13.2"},
    "two GPUs": {**GPU, "gpu_count": 2, "spare_node": True},
    "a pool": {**POOL, "cpu": 2, "memory_gib": 4, "max_replicas": 12},
    "on GKE": GOOGLE,
    "a project of a domain": {"google_project": "example.com:acme-prod"},
    "a workload pool elsewhere": {**GOOGLE, "workload_pool": "fleet-host.svc.id.goog"},
    "a node selector and tolerations": {
        "node_selector": {"cloud.google.com/gke-nodepool": "gpu", "kubernetes.io/arch": "amd64"},
        "tolerations": [
            {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"},
            {"key": "spot"},
            {"key": "dedicated", "operator": "Exists"},
        ],
    },
    "a model of a bucket": {"model": BUCKET, **GOOGLE},
    "a model of S3": {"model": "s3://models/spam@3sL4kqtJlcpXroDTDmJ"},
    "a model on a shared volume": {"model": BUCKET, "model_storage_class": "standard-rwx", "model_gib": 20},
    "a mounted bucket": {"model": "gs://models/spam", "model_delivery": ModelDelivery.MOUNT, **GOOGLE},
    "a model in the image": {"model": "hf:distilbert/distilbert-base-uncased"},
    "a large model": {"model": BUCKET, **GPU, "model_gib": 60, "load_seconds": 300, "image_gib": 9},
    "environment": {
        "env": {"LOG_LEVEL": "debug", "INFERENCE_THREADS": "3", "EMPTY": "", "MARK": "<&>\u2028ä"}
    },
    "secrets": {
        "api_key": KEY,
        "secret_values": {"HF_TOKEN": "hush"},
        "secrets": {"DATABASE": "database/url", "OTHER": "their.token/token_1"},
    },
    "labels": {"labels": {"team": "search", "example.com/cost-center": "42_a.B"}},
    "public": {"public": True},
    "public on a domain of GKE": {"public": True, "domain": "api.example.com", **GOOGLE},
    "a domain elsewhere": {
        "domain": "api.example.com",
        "ingress_class": "nginx",
        "tls_secret": "api-tls",
        "cert_issuer": "letsencrypt",
    },
    "a domain without a certificate": {"domain": "api.example.com"},
    "requests scale": {"requests_metric": "http_requests_per_second", "requests_per_replica": 12.5},
    "KEDA by requests": {"monitoring": "operator", "scale_on": ScaleOn.REQUESTS, "cpu_target_percent": 70},
    "KEDA by the queue of a GPU": {**GPU, **GOOGLE, "monitoring": "google", "scale_on": "queue"},
    "KEDA by a Prometheus elsewhere": {
        "monitoring": "operator",
        "monitoring_namespaces": ["a", "b"],
        "scale_on": "queue",
        "scale_target": 1.5,
        "prometheus_address": "https://thanos.example.com:9090/prometheus",
    },
    "KEDA with a fixed number": {
        "monitoring": "operator",
        "scale_on": "requests",
        "concurrency": 1,
        "min_replicas": 3,
        "max_replicas": 3,
        "min_available": 2,
    },
    "asleep when idle": {"scale_on": "interceptor", "min_replicas": 0},
    "asleep when idle, on a domain": {
        "scale_on": "interceptor",
        "min_replicas": 0,
        "public": True,
        "domain": "api.example.com",
        "keda_namespace": "scaling",
        "scale_target": 12.0,
        "network_policy": False,
    },
    "asleep when idle, with a GPU of GKE": {
        **GPU,
        **GOOGLE,
        "scale_on": "interceptor",
        "min_replicas": 0,
        "monitoring": "google",
    },
    "monitoring": {**GOOGLE, "metrics_path": "/metrics", "allowed_namespaces": ["front"]},
    "monitoring by the operator": {
        "monitoring": "operator",
        "monitoring_namespaces": ["observability"],
        "monitoring_labels": {"release": "kube-prometheus-stack"},
        "objective": {"availability": 99.9, "seconds": 0.25},
        "thresholds": {"memory": {"ticket": 0.8}},
        "runbooks_url": "https://docs.example.com/runbooks",
        "metrics_path": "/stats",
    },
    "some callers": {"allowed_namespaces": ["front", "batch"]},
    "no network policy": {"network_policy": False},
    "an existing namespace": {"namespace": "default", "create_namespace": False},
    "logins to a registry": {"image_pull_secrets": ["registry-login", "other.login"]},
    "a role of EKS": {"service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a"}},
    "an Ingress for its controller": {
        "domain": "api.example.com",
        "ingress_annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "16m"},
    },
    "KServe with a login": {"serving": "kserve", "image_pull_secrets": ["registry-login"]},
    "a namespace of its own": {"namespace": "ml-prod"},
    "a long request": {"request_timeout_seconds": 3600},
    "a fraction of a second": {"request_timeout_seconds": 2.5, "load_seconds": 0.3},
    "KServe": {"serving": Serving.KSERVE, "min_replicas": 0},
    "KServe for anybody": {"serving": "kserve", "public": True},
    "KServe with a canary": {"serving": "kserve", "canary_percent": 10, **GPU},
    "KServe with a model of a bucket": {"serving": Serving.KSERVE, "model": BUCKET},
    "a canary of a tenth": {"rollout": "canary", "canary_percent": 10, "max_replicas": 9},
    "a canary that begins": {"rollout": "canary", "rollout_step": "start", "second_replicas": 2.0},
    "a canary with its share": {"rollout": "canary", "rollout_step": "share", "monitoring": "operator"},
    "blue and green": {"rollout": "blue-green", "rollout_step": "share", **GPU, **POOL, "max_replicas": 2},
    "a rollout that goes back": {"rollout": "blue-green", "rollout_step": "back"},
    "None is not given": {"gpu": None, "cpu": None, "domain": None},
}

# Arguments, and what the refusal must say: what it got, what is allowed, where to change it.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"min_replicas": 0}, r"min_replicas is 0: .*KEDA's HTTP add-on and Knative; .*`serving` to kserve"),
    (
        {**GPU, **POOL, "max_replicas": 5},
        r"max_replicas is 5, and the pool holds 4 at its maximum: 4 nodes x 1 pods a node "
        r"\(7\.5 vCPU / 4 vCPU = 1 by cpu, 26 GiB / 12 GiB = 2 by memory, 1 / 1 = 1 by GPU\); "
        r"lower it to 4, .*`max_nodes`, to 5 nodes\.",
    ),
    (
        {"node_memory_gib": 26, "memory_gib": 32},
        r"memory_gib is 32, and a node of the pool offers its pods 26 GiB; lower it, .*; nearest: 26\.",
    ),
    (
        {"node_cpu": 3.9, "cpu": 4},
        r"cpu is 4, and a node of the pool offers its pods 3\.9 vCPU; .*nearest: 3\.9\.",
    ),
    (
        {**GPU, "gpu_count": 2, "node_gpus": 1},
        r"gpu_count is 2, .*offers its pods 1; lower it, .*nearest: 1\.",
    ),
    ({**GPU, "node_gpus": 0}, r"gpu_count is 1, .*offers its pods 0; .* larger machine\."),
    (
        {**GPU, "node_driver": 535, "cuda_version": "13.2"},
        r"node_driver is 535: the image has CUDA 13\.2, which needs driver 580 or newer; install it",
    ),
    ({**GPU, "node_driver": 535.216}, r"node_driver is 535\.216; it must be the first number of a driver"),
    ({**GPU, "cuda_version": "99.1"}, r"cuda_version is '99\.1'; known are 11\.x"),
    ({"node_driver": 580}, r"node_driver is given, but no `gpu` is named"),
    ({"max_nodes": -1}, r"max_nodes is -1; it must be 0 or more"),
    ({"node_cpu": float("nan")}, r"node_cpu is nan; it must be 0 or more"),
    (
        {"min_available": 2},
        r"min_available is 2 with `min_replicas` 2: no pod may go away, .*allowed are 0 to 1",
    ),
    ({"min_available": -1}, r"min_available is -1; it must be a whole number"),
    ({"min_available": 0.5}, r"min_available is 0\.5; it must be a whole number"),
    ({"namespace": "Prod"}, r"namespace is 'Prod'; allowed are 1 to 63 lowercase .*nearest: prod\."),
    ({"namespace": "a_b"}, r"namespace is 'a_b'; allowed are 1 to 63 lowercase"),
    (
        {"namespace": "kube-system"},
        r"namespace is kube-system, which every cluster has; .*`create_namespace` to false",
    ),
    ({"allowed_namespaces": ["Front"]}, r"allowed_namespaces has 'Front'"),
    (
        {"allowed_namespaces": ["a"], "network_policy": False},
        r"allowed_namespaces is given with `network_policy` false",
    ),
    ({"min_replicas": 4, "max_replicas": 2}, r"max_replicas is 2, below `min_replicas` 4"),
    ({"port": 80}, r"port is 80; the server is not root, and opens ports from 1024"),
    ({"port": 70000}, r"port is 70000; it must be from 1 to 65535"),
    ({"cpu": 0.33333}, r"cpu is 0\.33333; Kubernetes counts in thousandths of a vCPU; nearest: 0\.333"),
    ({"memory_gib": 0.1}, r"memory_gib is 0\.1.* MiB; it must be whole MiB; nearest: 0\.099609375"),
    ({"memory_gib": float("nan")}, r"memory_gib is nan"),
    ({"cpu": float("inf")}, r"cpu is inf"),
    ({"image_ref": "api:latest"}, r"image_ref is 'api:latest'; it must have its digest"),
    ({"image_ref": ""}, r"image_ref is missing"),
    ({"api_key": "hush"}, r"api_key has 4 characters"),
    ({"secret_values": {"A-B": "hush"}}, r"secret_values has 'A-B', which is no environment name"),
    (
        {"secret_values": {"MODEL_API_KEY": "hush"}},
        r"secret_values has MODEL_API_KEY, .*give it as `api_key`",
    ),
    ({"secret_values": {"PORT": "hush"}}, r"secret_values has PORT, .*leave it out"),
    (
        {"secret_values": {"A": "hush"}, "env": {"A": ""}},
        r"secret_values has A, which `env` has too; keep one",
    ),
    ({"secrets": {"A": "hush"}}, r"secrets has A, which is no reference .*<secret>/<key>"),
    (
        {"secrets": {"A": "projects/hush/secrets/b/versions/3"}},
        r"secrets has A, which is no reference .*External Secrets",
    ),
    ({"env": {"A": "x" * 600_000}}, r"env has 600001 bytes together; allowed are 524288"),
    ({"labels": {"a b": "c"}}, r"labels has 'a b', which is no key of a label"),
    ({"labels": {"a": "c d"}}, r"labels\.a is 'c d'; a value"),
    ({"labels": {"app.kubernetes.io/name": "x"}}, r"whose domain Kubernetes reserves"),
    ({"node_selector": {"a b": "c"}}, r"node_selector has 'a b', which is no key of a label; a key has 1"),
    ({"node_selector": {"a": "c d"}}, r"node_selector\.a is 'c d'; a value is empty or has 1 to 63"),
    ({"tolerations": [{"key": "a b"}]}, r"tolerations\[0\]\.key is 'a b'"),
    (
        {"tolerations": [{"key": "a", "operator": "Is"}]},
        r"tolerations\[0\]\.operator is 'Is'; allowed are Equal, Exists",
    ),
    (
        {"tolerations": [{"key": "a", "effect": "NO_SCHEDULE"}]},
        r"tolerations\[0\]\.effect is 'NO_SCHEDULE'; allowed are NoSchedule",
    ),
    (
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        r"tolerations\[0\]\.value is 'b' with the operator Exists",
    ),
    ({"tolerations": [{"value": "b"}]}, r"tolerations\[0\]\.key is missing"),
    (
        {"domain": "a.example.com", **GOOGLE},
        r"domain is a\.example\.com with `public` false: on GKE .*set `public`",
    ),
    ({"domain": "Api"}, r"domain is 'Api'; allowed is a domain's name in lowercase"),
    (
        {"domain": "a." + "b" * 60 + ".com", "public": True, **GOOGLE},
        r"domain has 66 characters; Google's certificates take 63",
    ),
    ({"ingress_class": "nginx"}, r"ingress_class is 'nginx' without `domain`"),
    ({"domain": "a.example.com", "ingress_class": "nginx", **GOOGLE}, r"ingress_class is 'nginx' on GKE"),
    (
        {"domain": "a.example.com", "tls_secret": "A_b"},
        r"tls_secret is 'A_b'; a name has at most 253 lowercase",
    ),
    ({"domain": "a.example.com", "cert_issuer": "le"}, r"cert_issuer is 'le' without `tls_secret`"),
    ({"metrics_path": "metrics", **GOOGLE}, r"metrics_path is 'metrics'; allowed is a path such as /metrics"),
    (
        {"metrics_path": "/metrics"},
        r"metrics_path is '/metrics' without `monitoring`, so nothing reads the metrics; set it to operator",
    ),
    ({"google_project": "A"}, r"google_project is 'A'"),
    ({"cluster_name": "main"}, r"cluster_name is 'main' without `google_project`"),
    ({"cpu_target_percent": 99}, r"cpu_target_percent is 99; it must be a whole number from 10 to 90"),
    ({"requests_metric": "a b", "requests_per_replica": 1}, r"requests_metric is 'a b'"),
    ({"requests_per_replica": 2}, r"requests_per_replica is 2 without `requests_metric`; give both"),
    ({"requests_metric": "a"}, r"requests_metric is 'a' without `requests_per_replica`; give both"),
    (
        {"requests_metric": "a", "requests_per_replica": 0},
        r"requests_per_replica is 0; it must be from 0\.001",
    ),
    ({"scale_on": "memory"}, r"scale_on is 'memory'; allowed are cpu, requests, queue, interceptor"),
    (
        {"scale_on": "queue"},
        r"scale_on is 'queue' without `monitoring`: no Prometheus reads the pods' load; set `monitoring` to",
    ),
    (
        {"scale_on": "requests", **GOOGLE},
        r"scale_on is 'requests' without `monitoring`.*; set `monitoring` to google or operator, or `sca",
    ),
    (
        {"scale_on": "requests", "monitoring": "operator", "monitoring_namespaces": ["a", "b"]},
        r"scale_on is 'requests' with several `monitoring_namespaces`; set `prometheus_address`",
    ),
    (
        {"scale_on": "requests", "monitoring": "operator", "prometheus_address": "prometheus:9090"},
        r"prometheus_address is 'prometheus:9090'; it must be the address of a server, such as http://",
    ),
    (
        {"prometheus_address": "http://a:9090"},
        r"prometheus_address is given with `scale_on` cpu; leave it out",
    ),
    ({"scale_target": 3}, r"scale_target is given with `scale_on` cpu; leave it out, or set `scale_on`"),
    (
        {"scale_on": "queue", "monitoring": "operator", "scale_target": 0},
        r"scale_target is 0; it must be from 0\.001",
    ),
    (
        {"scale_on": "queue", "monitoring": "operator", "scale_target": float("nan")},
        r"scale_target is nan; it must be from",
    ),
    (
        {"scale_on": "interceptor", "scale_target": 2.5},
        r"scale_target is 2\.5 with `scale_on` interceptor; .*whole requests; nearest: 2",
    ),
    ({"scale_on": "requests", "serving": "kserve"}, r"scale_on is 'requests' with KServe, which scales by"),
    (
        {
            "scale_on": "requests",
            "monitoring": "operator",
            "requests_metric": "a",
            "requests_per_replica": 1,
        },
        r"requests_metric is 'a' with `scale_on` requests, by which KEDA scales; keep one of them",
    ),
    (
        {**GPU, "scale_on": "requests", "monitoring": "operator", "cpu_target_percent": 70},
        r"cpu_target_percent is 70 with `scale_on` requests: the CPU of a pod with a GPU says little",
    ),
    (
        {"scale_on": "requests", "monitoring": "operator", "min_replicas": 0},
        r"min_replicas is 0: .*`scale_on` to interceptor where that add-on is installed",
    ),
    ({"scale_on": "interceptor", "min_replicas": 4}, r"max_replicas is 3, below `min_replicas` 4"),
    ({"scale_on": "interceptor", "max_replicas": 0, "min_replicas": 0}, r"max_replicas is 0"),
    (
        {"scale_on": "interceptor", "public": True},
        r"public is true with `scale_on` interceptor; set it to false, or name a `domain`",
    ),
    (
        {"scale_on": "interceptor", "public": True, "domain": "a.example.com", **GOOGLE},
        r"domain is 'a\.example\.com' with `scale_on` interceptor; .*GKE's Ingress leads to no other name",
    ),
    (
        {"scale_on": "interceptor", "allowed_namespaces": ["a"]},
        r"allowed_namespaces is given with `scale_on` interceptor; leave it out: all requests come from",
    ),
    (
        {"scale_on": "interceptor", "min_replicas": 0, "min_available": 0},
        r"min_available is 0 with `min_replicas` 0",
    ),
    ({"scale_on": "interceptor", "keda_namespace": "Keda"}, r"keda_namespace is 'Keda'; a namespace has"),
    ({"keda_namespace": "scaling"}, r"keda_namespace is 'scaling' without the HTTP add-on; leave it out"),
    (
        {"model": "gs://models/spam"},
        r"without a generation, .*gcloud storage objects describe gs://models/spam/man",
    ),
    ({"model": "s3://models/spam"}, r"model is 's3://models/spam'; Kubernetes takes"),
    ({"model": "x"}, r"model is 'x'; Kubernetes takes bundled:"),
    (
        {"model": BUCKET, "model_delivery": "mount", **GOOGLE},
        r"leave `@<generation>` out, or set `model_delivery` to fetch",
    ),
    ({"model_delivery": "mount", **GOOGLE}, r"only gs://<bucket>/<folder> can be mounted"),
    (
        {"model": "gs://models/spam", "model_delivery": "mount"},
        r"without `google_project`: the Cloud Storage FUSE .*; nearest: fetch",
    ),
    (
        {"model_storage_class": "rwx"},
        r"model_storage_class is 'rwx' with `model` bundled:sms-spam, which is not fetched",
    ),
    ({"model_gib": 0}, r"model_gib is 0; it must be above 0"),
    ({"image_gib": 2000}, r"image_gib is 2000; .*at most 1024 GiB"),
    ({"node_start_seconds": -1}, r"node_start_seconds is -1; it must be from 0 to 7200"),
    ({"canary_percent": 10}, r"canary_percent is 10 with `rollout` rolling; use `rollout` canary, or leave"),
    ({"rollout": "slow"}, r"rollout is 'slow'; allowed are rolling, canary, blue-green"),
    (
        {"rollout": "canary", "canary_percent": 10, "max_replicas": 4},
        r"canary_percent is 10 with `max_replicas` 4: the share is one of pods behind one Service, and one "
        r"of 5 gets 20 %; allowed are 20 to 50, or raise `max_replicas`; nearest: 20\.",
    ),
    (
        {"rollout": "canary", "canary_percent": 60, "max_replicas": 4},
        r"canary_percent is 60; use `rollout` blue-green for more than that; nearest: 50",
    ),
    (
        {"rollout": "canary", **GPU},
        r"rollout is canary, whose second version needs a spare GPU, and none is known to be there; set "
        r"`spare_node` to true",
    ),
    ({"rollout": "canary", "spare_node": False}, r"needs spare room, and none is known to be there"),
    (
        {"rollout": "blue-green", **GPU, **POOL, "max_replicas": 3},
        r"rollout is blue-green: 3 more pods run next to `max_replicas` 3, and the pool holds 4 at its "
        r"maximum; raise `max_nodes`",
    ),
    (
        {"rollout": "blue-green", "public": True, "domain": "a.example.com", **GOOGLE},
        r"rollout is blue-green with `domain` on GKE: its load balancer takes up to a minute",
    ),
    (
        {"rollout": "canary", "serving": "kserve"},
        r"rollout is 'canary' with KServe, .*`canary_percent` alone",
    ),
    (
        {"rollout_step": "start"},
        r"rollout_step is start with `rollout` rolling; use `rollout` canary or blue",
    ),
    ({"second_replicas": 0.5}, r"second_replicas is 0\.5; it must be a whole number, 1 or more"),
    (
        {"serving": "kserve", "canary_percent": 101},
        r"canary_percent is 101; it must be a whole number from 0 to 100",
    ),
    ({"image_pull_secrets": ["A"]}, r"image_pull_secrets has 'A'; a name has at most 253 lowercase letters"),
    ({"service_account": "a_b"}, r"service_account is 'a_b'; a name has at most 253 lowercase letters"),
    (
        {"service_account": "a", "service_account_annotations": {"b": "c"}},
        r"service_account_annotations is given with `service_account`, which is its owner's",
    ),
    (
        {"service_account_annotations": {"a b": "c"}},
        r"service_account_annotations has 'a b', which is no key of an annotation",
    ),
    (
        {**GOOGLE, "service_account_annotations": {"iam.gke.io/gcp-service-account": "a@b.c"}},
        r"service_account_annotations has 'iam\.gke\.io/gcp-service-account', which is set here",
    ),
    (
        {"ingress_annotations": {"example.com/a": "b"}},
        r"ingress_annotations is given without `domain`, so there is no Ingress",
    ),
    (
        {
            "domain": "a.example.com",
            "ingress_class": "nginx",
            "ingress_annotations": {"kubernetes.io/ingress.class": "nginx"},
        },
        r"ingress_annotations has 'kubernetes\.io/ingress\.class', which is set here",
    ),
    (
        {
            **GOOGLE,
            "public": True,
            "domain": "a.example.com",
            "ingress_annotations": {"kubernetes.io/ingress.global-static-ip-name": "mine"},
        },
        r"ingress_annotations has 'kubernetes\.io/ingress\.global-static-ip-name', which is set here",
    ),
    ({"serving": "kserve", "domain": "a.example.com"}, r"domain is 'a\.example\.com' with KServe"),
    ({"serving": "kserve", "min_available": 1}, r"min_available is 1 with KServe"),
    (
        {"serving": "kserve", "requests_metric": "a", "requests_per_replica": 1},
        r"requests_metric is 'a' with KServe, which scales by `concurrency`",
    ),
    (
        {"serving": "kserve", "cpu_target_percent": 70},
        r"cpu_target_percent is 70 with KServe, which scales by `concurrency`; leave it out",
    ),
    (
        {"serving": "kserve", "model": "gs://models/spam", "model_delivery": "mount", **GOOGLE},
        r"model_delivery is mount with KServe",
    ),
    (
        {"serving": "kserve", "model": BUCKET, "model_storage_class": "rwx"},
        r"model_storage_class is 'rwx' with KServe",
    ),
    (
        {"serving": "kserve", "allowed_namespaces": ["shop"]},
        r"allowed_namespaces is given with KServe, for whose pods no NetworkPolicy is made; leave it out",
    ),
    ({"serving": "kserve", "metrics_path": "/metrics", **GOOGLE}, r"metrics_path is '/metrics' with KServe"),
    ({"serving": "knative"}, r"serving is 'knative'; allowed are deployment, kserve"),
    ({"replicas": 3}, r"replicas is no argument here; did you mean max_replicas|min_replicas"),
]
