"""Tools for models that a running server does not need: training, conversion, comparison."""
