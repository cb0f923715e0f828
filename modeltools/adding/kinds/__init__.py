"""The kinds of sources, a module each, with its `KIND`; a kind for tables also has `load`."""
