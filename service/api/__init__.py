"""HTTP: routes, keys, problem details and the request log. Computes nothing itself."""
