"""An explorer in the browser: a page on this machine alone, to walk through a model state by state."""
