"""That it is the same: implementations held to their models."""
