"""The settings of a stack, each declared once; everything else about them is derived from here."""
