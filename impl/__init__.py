"""What runs: executable protocols without I/O. Nothing here imports a model, a proof or a conformance test."""
