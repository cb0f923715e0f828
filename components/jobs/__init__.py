"""What jobs are on every target: the arguments of a service that takes them, and of its workers."""
