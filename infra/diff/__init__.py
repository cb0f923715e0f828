"""Compares two Plans of a stack, and says in words what is at risk. Pure: reads Plans only."""
