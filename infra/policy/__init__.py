"""Rules over the resources of a stack, for the offline preview and for a CrossGuard policy pack."""
