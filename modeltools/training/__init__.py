"""Trains the bundled `sms-spam` model: `python -m slipway.modeltools.training --data sms_spam.tsv`.

The serving process imports nothing from here. `dataset`, `split`, `scores` and `card` need numpy at most;
`tokenizer`, `network` and `export` need what `modeltools/requirements-train.txt` lists.
"""
