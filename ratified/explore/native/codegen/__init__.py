"""From a model at a size to the C that explores it: a compiler that specialises the intermediate form to sizes and parameters."""
