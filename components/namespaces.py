"""Names that a Kubernetes cluster reserves for itself. Imports no SDK: settings are read without one."""

# kubernetes.io/docs/concepts/overview/working-with-objects/namespaces: every cluster has these.
RESERVED = ("default", "kube-system", "kube-public", "kube-node-lease")
