"""A language server for models: what the compiler refuses, as one types; checks, proofs and graphs beside the source."""
