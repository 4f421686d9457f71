"""`live`: one file in which a network, or one Value, computes, trains and explains itself."""
