"""Translation validation: formulas of a proof held to CPython in finite structures, before anything is called proved."""
