"""A model's functions written as Python over plain states, for following what is long: see `machine.py`."""
