"""Wire formats in front of the core: each parses, calls the core, and answers in its dialect."""
