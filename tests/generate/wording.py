"""Generated models said in other words: loops that are left, filters with lambdas, choices and local copies.

`reworded(text, seed)` gives a text with such words put in: another model, which every engine must make the same of.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence


def reworded(text: str, seed: int) -> tuple[str, int]:
    """A model's text with new words in it, and how many were put in."""
    tree = ast.parse(text)
    rewording = _Rewording(random.Random(seed))
    rewording.visit(tree)
    if not rewording.count:
        return text, 0
    return f"from ratified import choose\n{ast.unparse(ast.fix_missing_locations(tree))}\n", rewording.count


class _Rewording(ast.NodeTransformer):
    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._conditions: list[ast.expr] = []
        self.count = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Within a function its guards serve as conditions: they read variables and parameters alone."""
        self._conditions = [
            s.value.args[0]
            for s in node.body
            if isinstance(s, ast.Expr)
            and isinstance(s.value, ast.Call)
            and isinstance(s.value.func, ast.Name)
            and s.value.func.id == "require"
            and _reads_only(s.value.args[0], {a.arg for a in node.args.args})
        ]
        self.generic_visit(node)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        """A loop that is left, or a turn of it."""
        self.generic_visit(node)
        if self._conditions:
            test = self._random.choice(self._conditions)
            jump = self._random.choice([ast.Break(), ast.Continue()])
            at = self._random.randrange(len(node.body)) if _goes_on(node.body) else 0
            node.body.insert(at, ast.If(test, [jump], []))
            self.count += 1
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`Set(x for x in S if c)` with `filter`."""
        self.generic_visit(node)
        match node:
            case ast.Call(
                ast.Name("Set"),
                [ast.GeneratorExp(ast.Name(x), [ast.comprehension(ast.Name(y), source, [test])])],
                [],
            ) if x == y:
                self.count += 1
                taken = ast.Lambda(ast.arguments([], [ast.arg(x)], None, [], [], None, []), test)
                return ast.Call(node.func, [ast.Call(ast.Name("filter"), [taken, source], [])], [])
        return node


def _reads_only(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression names nothing but these and what is capitalised or built in, and binds nothing."""
    inner = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    binds = any(isinstance(n, ast.comprehension | ast.Lambda) for n in ast.walk(node))
    return not binds and all(
        n.id in names or n.id[0].isupper() or n.id in ("len", "isinstance") for n in inner
    )


def _goes_on(body: Sequence[ast.stmt]) -> bool:
    """Whether no statement but the last ends a turn."""
    return not any(isinstance(s, ast.Return | ast.Break | ast.Continue) for s in body[:-1])
