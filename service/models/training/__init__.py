"""Trains the bundled `sms-spam` model: `python -m service.models.training --data sms_spam.tsv`.

The serving process imports nothing from here. `dataset`, `split`, `scores` and `card` need numpy at most;
`tokenizer`, `network` and `export` need what `service/requirements-train.txt` lists.
"""
