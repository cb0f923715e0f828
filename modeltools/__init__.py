"""Tools for models that no running server needs: training, conversion, comparison."""
