"""The files that `ratified init` writes: a first model, its configuration, a test and a workflow. They are read as they are."""
