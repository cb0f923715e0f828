"""Tells how far a model's answers are from those of another: `python -m slipway.modeltools.comparing`.

`slipway model check` runs it, beside torch where one of the two needs it; the serving process imports nothing
from here.
"""
