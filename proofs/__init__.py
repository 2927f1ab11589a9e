"""Why it is right: for each protocol, lemmas that carry the argument of its paper to every size."""
