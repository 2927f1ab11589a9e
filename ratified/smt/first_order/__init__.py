"""Every size: a model as many-sorted first-order logic, and its claims as obligations."""
