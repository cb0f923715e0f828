"""The targets: status, log and access of a service on each."""
