"""Programs that run, and programs in files."""
