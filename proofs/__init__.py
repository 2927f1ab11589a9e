"""Why it is right: the exhaustive explorer, and what is proved of each protocol."""
