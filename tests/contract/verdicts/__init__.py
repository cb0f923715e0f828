"""What the clouds themselves take and refuse, as settings of a stack. Nothing of the code is read here.

Sources: BC botocore's service models; RUN google-cloud-run's protos (run_v2) and docs.cloud.google.com/run;
GKE google-cloud-container's protos and cloud.google.com/kubernetes-engine; PGCP, PAWS the docstrings of
pulumi_gcp and pulumi_aws; K8S the API conventions of Kubernetes; KSERVE and KNATIVE their own documentation;
SERVER what the server of this repository reads. Each row names its own.
"""

from tests.contract.verdicts import cloud_run, fargate, gke, kubernetes
from tests.contract.verdicts.rows import Verdict

VERDICTS = [
    Verdict(target, settings, taken, source)
    for target, module in (
        ("cloud-run", cloud_run),
        ("fargate", fargate),
        ("gke", gke),
        ("kubernetes", kubernetes),
    )
    for taken, rows in ((True, module.TAKES), (False, module.REFUSES))
    for source, each in rows
    for settings in each
]
