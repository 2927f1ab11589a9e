"""A generator of random, well-typed models, for holding every engine to what CPython does.

- `models.model_texts()` and `models.random_model(seed)`: complete files, with every construct of the language somewhere;
- `cases.expression_cases()`: a model around one expression, evaluated for every value of its names;
- `mutations.refused_models()`: valid models with one thing put in that must be refused;
- `claiming.claiming_model(seed)`: liveness, assumptions and refinements as well; `provable.provable_model(seed)`: proof scripts;
- `python -m tests.generate --stats N`: how the generated models are distributed; `--seed N` prints one.
"""
