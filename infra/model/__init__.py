"""What the command does with a model: fit, bench, export, check."""
