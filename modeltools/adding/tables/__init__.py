"""Converts a model over tables to ONNX, in an environment with the library that trained it.

`original` and `columns` need the standard library alone; the others what `modeltools/requirements-tables.txt`
lists. None of them imports the server, whose packages that environment lacks.
"""
