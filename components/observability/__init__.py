"""What is watched of a service: signals, alarms, an objective; and what Prometheus and Grafana make of it."""
