"""Where the cards of a graph stand and its edges run."""
