"""Measures how far a model's answers are from another's: `python -m slipway.modeltools.comparing`.

`slipway model check` runs it, with torch if one of the two models needs it; the serving process imports
nothing from here.
"""
