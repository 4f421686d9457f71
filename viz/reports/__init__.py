"""`report`: what a model has learned from a table, on one page."""
