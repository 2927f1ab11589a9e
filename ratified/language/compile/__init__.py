"""From the source of a model to its intermediate form: what is not the language is refused here, with its place."""
