"""One module per target: each composes components from settings and makes no cloud resource itself."""
