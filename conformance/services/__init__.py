"""The policies of services held to their models."""
