"""Instructions on the scalars of one example."""
