"""What each target is asked about a service that runs there."""
