"""An implementation driven along its model: every step, what the model forbids, and walks beyond; docs/driving.md."""
