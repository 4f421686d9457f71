"""Where the cards of a graph stand."""
