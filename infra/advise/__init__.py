"""Which way to run a service: the ways compared by cost for what is asked of it, and one recommended."""
