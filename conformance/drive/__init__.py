"""A small service in many languages, and the model that it is driven along; clients of the protocol, a file for each language."""
