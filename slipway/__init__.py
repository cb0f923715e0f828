"""Everything that Slipway is, under one name. In the repository the folders are linked here."""
