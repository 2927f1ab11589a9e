"""A file a protocol."""
