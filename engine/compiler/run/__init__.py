"""Programs at work: their functions, the buffers and calls of these, and files of their own."""
