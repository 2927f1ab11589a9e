"""What goes wrong in translations like this one, by kind, and a fault for each that is planted into the source.

`KINDS` has the kinds in words, each with its faults; `finding.py` looks for these among generated models. In those
called *conversely*, what is true is not proved, or an engine's own error is reported as a verdict.
"""

from __future__ import annotations

from dataclasses import replace

from tests.generate.planting import Kind

LOGIC = "ratified.smt.first_order"
LOWER = "ratified.language.lower"
FINITE = "ratified.smt.finite"

NOT_APART = Kind(
    "names are not made distinct",
    LOWER,
    "functions = {key: one(function) for key, function in functions.items()}",
    "functions = {k: f if one is named_apart else one(f) for k, f in functions.items()}",
)
ALWAYS_TAKEN = Kind(
    "a partial operation must have a result even in a branch that is not taken",
    f"{LOGIC}.context",
    "if test == TRUE or self.hear is unheard:",
    "if True:",
)
LAST_PART = Kind(
    "classes are named by the last part of their names",
    f"{LOGIC}.names",
    'cls.__qualname__.rpartition("<locals>.")[2]',
    "cls.__name__",
)
CAPTURED = Kind(
    "a quantifier captures a symbol with the same name",
    "ratified.smt.smtlib",
    "!{len(inside)}",
    "!0",
)

KINDS: dict[str, tuple[Kind, ...]] = {
    "a local name is bound late, so that a comprehension sees its later value": (
        Kind(
            "a name is bound late, or leaks out of its scope",
            f"{LOGIC}.context",
            "return replace(self, env={**self.env, names[0]: value})",
            "self.env.update({names[0]: value})\n            return self",
            replace(
                NOT_APART,
                also=Kind(
                    "statements share their names",
                    f"{LOGIC}.running",
                    "made = LogicContext(self.logic, dict(self.env), dict(self.state),",
                    "made = LogicContext(self.logic, self.env, dict(self.state),",
                    Kind(
                        "names change in place",
                        f"{LOGIC}.statements",
                        "path.env = dict(context.bound(names, context.expr(value)).env)",
                        "context.bound(names, context.expr(value))",
                    ),
                ),
            ),
        ),
    ),
    "a loop's or comprehension's name shadows another": (
        Kind(
            "a shadowed name refers to the outer one",
            f"{LOGIC}.context",
            "return replace(self, env={**self.env, names[0]: value})",
            "return replace(self, env={names[0]: value, **self.env})",
            NOT_APART,
        ),
    ),
    "a partial operation is given a result where it has none": (
        Kind(
            "every partial operation has a result",
            f"{LOGIC}.context",
            "        if self.hear is unheard:\n            return\n        parts",
            "        if True:\n            return\n        parts",
        ),
        Kind(
            "a ballot exists after the last one, and before the first",
            f"{LOGIC}.logic",
            "there = conj(there, context.theory.beyond(t, term, up=up))",
            "there = TRUE",
        ),
        Kind(
            "an index out of range is not an error",
            f"{LOGIC}.containers",
            'context.demand(Failing.ERROR, inside, "an index out of range", span)',
            "pass",
        ),
        Kind(
            "a negative index does not count from the end",
            f"{LOGIC}.containers",
            "return choice(less(index, Number(0)), plus(length, index), index)",
            "return index",
        ),
        Kind(
            "demands of a helper are ignored",
            f"{LOGIC}.context",
            "return replace(self, env=env)._value(function.body)",
            "return replace(self.silent(), env=env)._value(function.body)",
        ),
    ),
    "a partial operation in a branch that is not taken makes a guard false or an axiom inconsistent": (
        ALWAYS_TAKEN,
        Kind(
            "`all` and `any` do not stop early",
            f"{LOGIC}.clauses",
            "        if run is not None:\n            here = _come_to",
            "        if False:\n            here = _come_to",
        ),
        Kind(
            "both branches of a helper make their demands",
            f"{LOGIC}.context",
            "first = here.under(holds)._value((*then, *rest))\n"
            "                    return either(holds, first, here.under(neg(holds))._value((*orelse, *rest)))",
            "first = here._value((*then, *rest))\n"
            "                    return either(holds, first, here._value((*orelse, *rest)))",
        ),
        Kind(
            "an assumption makes the demands of branches it does not take",
            f"{LOGIC}.obligations",
            "formula = context.call(function, [])",
            'formula = LogicContext(self.logic, {}, {}, {}, heard.append, frozenset("?")).call(function, [])',
            Kind(
                "conditions are ignored there",
                f"{LOGIC}.context",
                "if test == TRUE or self.hear is unheard:",
                'if test == TRUE or self.hear is unheard or "?" in self.unset:',
            ),
        ),
        Kind(
            "a fact about what need not exist is unconditional",
            "ratified.smt.definite",
            "fact = implies(exists, says)",
            "fact = says",
        ),
    ),
    "None and optional values in universes, sets and quorums": (
        Kind(
            "None is in no universe and no set",
            f"{LOGIC}.symbols",
            "return [vs.none(), *(vs.present(v) for v in shapes.variants(t.item))]",
            "return [vs.present(v) for v in shapes.variants(t.item)]",
        ),
        Kind(
            "an optional value that is None counts as a member",
            f"{LOGIC}.variants",
            "return conj(shape.some, test), columns",
            "return test, columns",
        ),
    ),
    "bags: equality, majority, removal, literals, comprehensions, bags over maps": (
        Kind(
            "bags are compared as sets",
            f"{LOGIC}.equality",
            "if count is not None and other is not None:",
            "if False:",
        ),
        Kind(
            "a bag can contain a majority, as a set can",
            f"{LOGIC}.counting",
            "return isinstance(t, SetType) and t.item == sort",
            "return isinstance(t, SetType | BagType) and t.item == sort",
        ),
        Kind(
            "removing one copy from a bag removes all copies",
            f"{LOGIC}.containers",
            "return replace(left, count=fewer)",
            "return replace(left, count=lambda x: choice(same(x, item), Number(0), count(x)))",
        ),
        Kind(
            "a bag literal has one copy of each element",
            f"{LOGIC}.constants",
            "            found = plus(found, as_number(same(x, y)))\n        return found\n\n    return replace",
            "            from ratified.smt.terms import choice\n\n"
            "            found = choice(same(x, y), Number(1), found)\n        return found\n\n    return replace",
        ),
        Kind(
            "a bag made from another one has one copy of each element",
            f"{LOGIC}.collecting",
            "each = Number(1) if copies is None else copies(x)",
            "each = Number(1)",
        ),
        Kind(
            "a bag of a map's values has one copy of each",
            f"{LOGIC}.collecting",
            "or not is_name(node.element, clause) or isinstance",
            "or isinstance",
        ),
    ),
    "first values of ranges that do not contain 0": (
        Kind(
            "the first value of a range is 0",
            f"{LOGIC}.steps",
            "return Atom(choice(within, Number(0), least))",
            "return Atom(Number(0))",
        ),
        Kind(
            "the first value of a range with a bound given as text is 0",
            f"{LOGIC}.steps",
            "return Atom(choice(within, Number(0), least))",
            "return Atom(choice(within, Number(0), least) if isinstance(t.low, int) else Number(0))",
        ),
    ),
    "numbered sort values beyond the size": (
        Kind(
            "numbered values exist at every size",
            f"{LOGIC}.theory",
            "return known[index], self.at_least(t, index + 1)",
            "return known[index], TRUE",
        ),
        Kind(
            "numbered values differ at every size",
            f"{LOGIC}.theory",
            "fact = implies(enough, neg(equal(made, other)))",
            "fact = neg(equal(made, other))",
        ),
    ),
    "names that the translation itself uses": (
        Kind(
            "the symbol for having a value is named like a field",
            f"{LOGIC}.symbols",
            'return Maybe(at.apply("?", BOOL), at.inside("", t.item))',
            'return Maybe(at.apply(".some", BOOL), at.inside("", t.item))',
            needs=r"    some: ",
        ),
        Kind(
            "the members of an enum share one symbol",
            f"{LOGIC}.symbols",
            'at.apply(f"={ascii_name(m.name)}", BOOL)',
            'at.apply("=", BOOL)',
        ),
        Kind(
            "an argument and a variable with the same name share one symbol",
            f"{LOGIC}.names",
            'return f"arg/{ascii_name(function)}/{ascii_name(name)}"',
            'return f"state/{ascii_name(name)}"',
            needs=r"self, n: ",
        ),
        Kind(
            "variables keep the names of the model",
            f"{LOGIC}.names",
            'return f"state/{ascii_name(name)}"',
            "return ascii_name(name)",
            needs=r"self\.(store|select|ite|forall|exists|distinct|let|par|mod|div|xor|is_\w+)\b",
        ),
    ),
    "a loop reads what it writes": (
        Kind(
            "iterations that read what others write are taken as independent",
            f"{LOGIC}.turns",
            "if any(_reads(part, v, turn.name, uses, elements) for part in parts for v in written):",
            "if False:",
        ),
        Kind(
            "each iteration sees the final value of what the loop carries",
            f"{LOGIC}.loops",
            "return Later(lambda: _lost_if_kept(carried.found(place)))",
            "return Later(lambda: carried.left())",
        ),
        Kind(
            "the last iteration is taken for the first",
            f"{LOGIC}.loops",
            "last=True,",
            "last=False,",
        ),
        Kind(
            "a loop continues after `return`",
            f"{LOGIC}.loops",
            "return [*self._ended(places), *found] if ends else found",
            "return found",
        ),
        Kind(
            "a loop counts every iteration",
            f"{LOGIC}.folding",
            "there = lambda x, k=amount: conj(passes(x), equal(number(x), k))",
            "there = lambda x, k=amount: passes(x)",
        ),
    ),
    "user-defined quorum systems whose quorums need not intersect": (
        Kind(
            "user-defined quorums always intersect",
            f"{LOGIC}.theory",
            'return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))',
            'system = self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))\n'
            '            self.axioms.append(Axiom("they meet", f"{name}/has", meet(system)))\n'
            "            return system",
        ),
        Kind(
            "a user-defined quorum system is never empty",
            f"{LOGIC}.theory",
            'return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))',
            "return self._quorums(name, t.item, TRUE)",
        ),
    ),
    "assumptions that are contradictory for some sizes, a model without an initial state": (
        Kind(
            "a model without an initial state is proved",
            "ratified.smt.beginning",
            "if all(f.formula == TRUE for f in self.facts):",
            "if True:",
            needs=r"len\(\w+\) > 2 and len\(\w+\) < 2|def never_so",
        ),
        Kind(
            "bounded checking says HOLDS of a model without an initial state",
            f"{FINITE}.bounded",
            "raise self._nothing_begins()",
            "self.found = replace(self.found, steps=0, verdict=Verdict.HOLDS, complete=True)",
            needs=r"len\(\w+\) > 2 and len\(\w+\) < 2",
        ),
    ),
    "two names become the same symbol": (
        Kind(
            "a trailing underscore of a name is dropped",
            f"{LOGIC}.names",
            'return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in name)',
            'return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in name.rstrip("_"))',
        ),
    ),
    "a loop over a set display is unrolled in source order, equal items twice": (
        Kind(
            "a loop over a set display is unrolled in source order",
            f"{LOWER}.unroll",
            "case ir.MakeSet(items=items) if len(items) <= 1:",
            "case ir.MakeSet(items=items):",
        ),
    ),
    "loop items are evaluated in the state that earlier iterations left": (
        Kind(
            "items of a display are evaluated when their iteration begins",
            f"{LOWER}.unroll",
            "found += [ir.Let(loop.span, loop.names, ir.Local(item.span, item.type, name)), *loop.body]",
            "found += [ir.Let(loop.span, loop.names, item), *loop.body]",
        ),
        Kind(
            "items of a loop are evaluated in the state that earlier iterations left",
            f"{LOGIC}.turns",
            "node = replace(node, domain=ir.Local(node.domain.span, node.domain.type, ITEMS))",
            "pass",
        ),
    ),
    "`max(max(x, y), z)` and a clamp, whose inner constant takes the outer's name": (
        Kind(
            "the constant of an inner extremum takes the outer's name",
            "ratified.smt.definite",
            'key = f"{variable.sort} {text(every([variable], fact))}"',
            "key = variable.sort",
        ),
    ),
    "constants of the translation are captured by a quantifier over the same name": (CAPTURED,),
    "iterating over a map with int keys: all integers": (
        Kind(
            "a map with int keys has every integer as a key",
            f"{LOGIC}.symbols",
            "return replace(self.members(t, lambda v, columns: v.within(columns)), typed=True)",
            "return replace(self.members(t, lambda v, columns: TRUE), typed=True)",
        ),
    ),
    "equality of maps whose bound is given as text": (
        Kind(
            "a bound given as text is ignored",
            f"{LOGIC}.symbols",
            "low = TRUE if t.low is None else at_most(self._bound(t.low), term)\n"
            "        return conj(low, TRUE if t.high is None else at_most(term, self._bound(t.high)))",
            "low = TRUE if not isinstance(t.low, int) else at_most(self._bound(t.low), term)\n"
            "        return conj(low, TRUE if not isinstance(t.high, int) else at_most(term, self._bound(t.high)))",
        ),
    ),
    "`Seq(m.values())` treated as a set": (
        Kind(
            "a sequence of a map's values is the set of them",
            f"{LOGIC}.containers",
            '    if node.what in ("sorted", "sorted-reversed", "values", "items") and not isinstance(',
            "    made = context.expr(node.operand)\n"
            '    if node.what == "values":\n'
            "        same = context.logic.same\n"
            "        return Members(\n"
            "            made.type.value,\n"
            "            lambda x: made.keys.some(lambda k: same(made.at(k), x)),\n"
            "            lambda f: made.keys.every(lambda k: f(made.at(k))),\n"
            "            lambda f: made.keys.some(lambda k: f(made.at(k))),\n"
            "        )\n"
            '    if node.what in ("sorted", "sorted-reversed", "values", "items") and not isinstance(',
        ),
    ),
    "two records, or two sorts, with the same name": (
        Kind(
            "two records with the same name are taken as one",
            f"{LOGIC}.names",
            'return [n if plain.count(n) == 1 else f"{n}~{i}" for i, n in enumerate(plain)]',
            "return plain",
            LAST_PART,
        ),
        Kind(
            "two sorts may have the same name",
            "ratified.language.compile.module",
            "if (other := named.setdefault(t.sort.__name__, t)) is not t:",
            "if (other := named.setdefault(t.sort.__name__, t)) is None:",
            needs=r"class Far:",
        ),
    ),
    "a variable or an action named like a sort": (
        Kind(
            "the ends of an order are named like fields of a variable",
            f"{LOGIC}.theory",
            'name = f"{sort_name(t)}/{which}"',
            'name = f"state/{t.sort.__name__}.{which}"',
        ),
        Kind(
            "the ends of an order are named like arguments of an action",
            f"{LOGIC}.theory",
            'name = f"{sort_name(t)}/{which}"',
            'name = f"arg/{t.sort.__name__}/{which}"',
        ),
    ),
    "a step invariant under k-induction that a self-loop breaks": (
        Kind(
            "the last state of a path must be new, for step invariants too",
            f"{FINITE}.bounded",
            "wrong.append((claim.name, literal if of_step else circuit.both(fresh, literal)))",
            "wrong.append((claim.name, circuit.both(fresh, literal)))",
            needs="@step_invariant",
        ),
    ),
    "conversely: an assumption is dropped": (
        Kind(
            "an assumption is dropped",
            f"{LOGIC}.obligations",
            "self.assumptions.append(Fact(says, self.definitions.plain(whole)))",
            "pass",
        ),
        Kind(
            "an assumption about sizes alone is dropped",
            f"{LOGIC}.obligations",
            "not named\n                    or any(s in used for s in named)\n"
            "                    or self._sized(named, [*chosen.values(), *facts])",
            "any(s in used for s in named)",
        ),
    ),
    "conversely: too little is known about majorities": (
        Kind(
            "nothing is known about majorities",
            f"{LOGIC}.theory",
            "self.axioms.append(Axiom(says, about, meet(system)))",
            "pass",
        ),
        Kind(
            "only that two majorities intersect is known",
            f"{LOGIC}.theory",
            "self._sized(t)",
            "pass",
            Kind(
                "and small models are not searched for more",
                f"{LOGIC}.small",
                "counted = [_counted(s, sizes) for s in symbols if is_majority(s)]",
                "counted = []",
            ),
            needs=r"2 \* len\(",
        ),
    ),
    "conversely: `assert` is ignored": (
        Kind(
            "`assert` is ignored",
            f"{LOGIC}.statements",
            "if not path.tried:\n                context.demand(Failing.ERROR",
            "if False:\n                context.demand(Failing.ERROR",
        ),
    ),
    "conversely: a solver's error is reported as UNDECIDED": (
        Kind(
            "a query that a solver rejects counts as unknown",
            "ratified.smt.proving",
            'if answer.verdict == "unknown" and "(error" in answer.rest',
            'if False and "(error" in answer.rest',
            Kind(
                "sorts of sets are not declared",
                "ratified.smt.smtlib",
                "return [s for s in found if s not in (BOOL, INT)]",
                'return [s for s in found if s not in (BOOL, INT) and "<" not in s]',
            ),
            needs=r"Set\[Node\]|Map\[",
        ),
    ),
    "old and new state, and orders": (
        Kind(
            "the old state is the new state",
            f"{LOGIC}.logic",
            "context.old",
            "context.now",
        ),
        Kind(
            "an order is reversed",
            f"{LOGIC}.logic",
            "return neg(order(b, a)) if strict else order(a, b)",
            "return neg(order(a, b)) if strict else order(b, a)",
        ),
    ),
}

FAULTS: tuple[Kind, ...] = tuple(fault for faults in KINDS.values() for fault in faults)
"""All faults, in order."""
