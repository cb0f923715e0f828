"""Batches over files, as the command orders and prices them; what computes them is in service/batch."""
