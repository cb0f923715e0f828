"""Compares the committed prices with the clouds' own public price lists: `make prices`."""
