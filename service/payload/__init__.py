"""Samples of what was sent, anonymised and written to the log; off unless it is asked for."""
