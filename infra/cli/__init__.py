"""The command: parses arguments, asks the other packages, prints."""
