"""One stack's settings: declared once, read from its files, checked."""
