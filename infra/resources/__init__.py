"""What is known of the types of resources that a stack makes, once for all that read a plan."""
