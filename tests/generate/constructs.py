"""Which constructs of the language a text uses: made from the syntax tree, so that the generator can be held to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

BINARY = {ast.BitOr: "|", ast.BitAnd: "&", ast.Sub: "-", ast.BitXor: "^", ast.Add: "+", ast.Mult: "*"}
BINARY |= {ast.FloorDiv: "//", ast.Mod: "%"}
COMPARED = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
COMPARED |= {ast.Is: "is None", ast.IsNot: "is not None", ast.In: "in", ast.NotIn: "not in"}
# fmt: off
CALLED = (
    "abs",
    "all",
    "any",
    "enumerate",
    "first",
    "int",
    "isinstance",
    "last",
    "len",
    "majorities",
    "max",
    "min",
    "range",
    "replace",
    "require",
    "reversed",
    "sorted",
    "subsets",
    "sum",
    "super",
    "zip",
    "Bag",
    "Map",
    "Seq",
    "Set",
)
METHODS = (
    "add",
    "append",
    "clear",
    "count",
    "discard",
    "distinct",
    "extend",
    "index",
    "is_last",
    "isdisjoint",
    "items",
    "keys",
    "pop",
    "remove",
    "update",
    "values",
)
# fmt: on
DECORATORS = ("action", "constraint", "invariant", "record", "step_invariant")

EXPECTED = frozenset(
    [
        *(f"operator {sign}" for sign in {*BINARY.values(), *COMPARED.values()}),
        *(f"augmented {sign}" for sign in ("+", "-", "|")),
        *(f"{name}()" for name in CALLED),
        *(f".{name}()" for name in METHODS),
        *(f"@{name}" for name in DECORATORS),
        *(
            "and",
            "or",
            "not",
            "negative",
            "chained comparison",
            "conditional expression",
            "set display",
            "list display",
        ),
        *(
            "set comprehension",
            "list comprehension",
            "dict comprehension",
            "generator",
            "two for",
            "comprehension if",
        ),
        *(
            "for",
            "for unpacking",
            "if",
            "elif",
            "else",
            "match",
            "case guard",
            "case |",
            "case class",
            "case capture",
        ),
        *(
            "case as",
            "case value",
            "case None",
            "case tuple",
            "case positional",
            "return in action",
            "assert",
            "pass",
        ),
        *(
            "docstring",
            "unpacking",
            "local name",
            "annotated local name",
            "slice",
            "negative index",
            "lambda key",
            "default=",
        ),
        *(
            "map update",
            "nested map update",
            "seq item update",
            "init",
            "init choice",
            "helper",
            "procedure",
            "function",
        ),
        *(
            "record method",
            "subclass",
            "override",
            "Param",
            "AtMost",
            "copies",
            "Range",
            "bound as text",
            "alias",
        ),
        *("Sort", "Symmetric", "Ordered", "Enum", "Map", "Set", "Bag", "Seq", "tuple", "optional", "union"),
        *("invariant parameter", "record parameter from a collection", "keyword field", "variable default"),
    ]
)
"""Every construct that some generated model must use."""


def constructs(text: str) -> frozenset[str]:
    """The constructs that a model's file uses, under the names of `EXPECTED`."""
    tree = ast.parse(text)
    found = {name for node in ast.walk(tree) for name in _of(node)}
    return frozenset(found | set(_structure(tree)))


def _of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.BinOp(op=operator) if type(operator) in BINARY:
            yield f"operator {BINARY[type(operator)]}"
        case ast.AugAssign(op=operator):
            yield f"augmented {BINARY[type(operator)]}"
        case ast.Compare(ops=operators):
            yield from (f"operator {COMPARED[type(each)]}" for each in operators)
            if len(operators) > 1:
                yield "chained comparison"
        case ast.Call():
            yield from _call(node)
        case ast.BoolOp(op=ast.And()):
            yield "and"
        case ast.BoolOp():
            yield "or"
        case ast.UnaryOp(op=ast.Not()):
            yield "not"
        case ast.UnaryOp(op=ast.USub()):
            yield "negative"
        case ast.IfExp():
            yield "conditional expression"
        case ast.Lambda():
            yield "lambda key"
        case ast.Slice():
            yield "slice"
        case ast.Subscript(slice=ast.UnaryOp()):
            yield "negative index"
        case ast.stmt() | ast.match_case() | ast.pattern():
            yield from _statement(node)
        case _:
            yield from _display(node)


def _call(node: ast.Call) -> Iterator[str]:
    match node.func:
        case ast.Name(name) if name in CALLED:
            yield f"{name}()"
        case ast.Attribute(attr=name) if name in METHODS:
            yield f".{name}()"
        case ast.Name("AtMost" | "Range" as name):
            yield name
            if any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.args):
                yield "bound as text"
        case _:
            pass
    names = {keyword.arg for keyword in node.keywords}
    yield from (name for keyword, name in (("default", "default="), ("copies", "copies")) if keyword in names)
    if isinstance(node.func, ast.Name) and node.func.id in ("Ask", "Grant", "Entry") and names:
        yield "keyword field"


def _display(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Set():
            yield "set display"
        case ast.List():
            yield "list display"
        case ast.SetComp():
            yield "set comprehension"
        case ast.ListComp():
            yield "list comprehension"
        case ast.DictComp():
            yield "dict comprehension"
        case ast.GeneratorExp():
            yield "generator"
        case ast.Name("Map" | "Set" | "Bag" | "Seq" | "tuple" as name):
            yield name
        case _:
            pass
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    if len(generators) > 1:
        yield "two for"
    if any(each.ifs for each in generators):
        yield "comprehension if"
    if any(isinstance(each.target, ast.Tuple) for each in generators):
        yield "for unpacking"


def _statement(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.If():
            yield "if"
            if node.orelse:
                yield "elif" if isinstance(node.orelse[0], ast.If) else "else"
        case ast.For():
            yield "for unpacking" if isinstance(node.target, ast.Tuple) else "for"
        case ast.Match():
            yield "match"
        case ast.match_case():
            yield "case guard" if node.guard else "match"
        case ast.MatchOr():
            yield "case |"
        case ast.MatchClass():
            yield "case class"
            if node.patterns:
                yield "case positional"
        case ast.MatchAs(pattern=None, name=str()):
            yield "case capture"
        case ast.MatchAs(pattern=ast.pattern()):
            yield "case as"
        case ast.MatchValue():
            yield "case value"
        case ast.MatchSingleton():
            yield "case value" if node.value is not None else "case None"
        case ast.MatchSequence():
            yield "case tuple"
        case ast.Assert():
            yield "assert"
        case ast.Pass():
            yield "pass"
        case ast.Assign(targets=[target]):
            yield from _target(target)
        case _:
            pass


def _target(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Tuple():
            yield "unpacking"
        case ast.Name(name) if name[:1].islower():
            yield "local name"
        case ast.Name():
            yield "alias"
        case ast.Subscript(value=ast.Subscript()):
            yield "nested map update"
        case ast.Subscript(slice=ast.Constant() | ast.UnaryOp()):
            yield "seq item update"
        case ast.Subscript():
            yield "map update"
        case _:
            pass


def _structure(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield "function"
        if isinstance(node, ast.ClassDef):
            yield from _class(node)


def _class(node: ast.ClassDef) -> Iterator[str]:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    yield from bases & {"Sort", "Symmetric", "Ordered", "Enum"}
    marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
    yield from (f"@{mark}" for mark in marks)
    if "Base" in bases:
        yield "subclass"
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            yield from ("record method",) if "record" in marks else _method(part, "Base" in bases)
        elif isinstance(part, ast.AnnAssign):
            written = ast.unparse(part.annotation)
            yield from (
                name for mark, name in (("| None", "optional"), ("Param[", "Param")) if mark in written
            )
            if "Message" in written or any(
                f"{one} | {other}" in written for one in RECORDS for other in RECORDS
            ):
                yield "union"
            if part.value and "Param[" not in written:
                yield "variable default"


RECORDS = ("Ask", "Grant", "Entry")


def _method(node: ast.FunctionDef, variant: bool) -> Iterator[str]:
    marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
    yield from (f"@{mark}" for mark in marks)
    arguments = node.args.args[1:]
    if node.name == "init":
        yield "init choice" if arguments else "init"
    elif not marks:
        yield "procedure" if isinstance(node.returns, ast.Constant) else "helper"
    if variant and node.name != "extra":
        yield "override"
    if "invariant" in marks and arguments:
        yield "invariant parameter"
    if ast.get_docstring(node):
        yield "docstring"
    for inner in ast.walk(node):
        if isinstance(inner, ast.Return) and "action" in marks:
            yield "return in action"
        if isinstance(inner, ast.AnnAssign):
            yield "annotated local name"
        if isinstance(inner, ast.Call) and ast.unparse(inner).startswith("require(m"):
            yield "record parameter from a collection"
