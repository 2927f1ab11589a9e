"""What goes wrong in translations like this one, by kind, and a fault for each that is planted into the source.

`KINDS` has the kinds in words, each with its faults; `finding.py` looks for these among generated models. Those of the last kinds
go the other way round: what is true is not proved, or an engine's own trouble is told as a verdict.
"""

from __future__ import annotations

from dataclasses import replace

from tests.generate.planting import Kind

LOGIC = "ratified.smt.first_order"
LOWER = "ratified.language.lower"
FINITE = "ratified.smt.finite"

NOT_APART = Kind(
    "names are not told apart",
    LOWER,
    "functions = {key: one(function) for key, function in functions.items()}",
    "functions = {k: f if one is named_apart else one(f) for k, f in functions.items()}",
)
ALWAYS_TAKEN = Kind(
    "a partial operation counts in a branch that is not taken",
    f"{LOGIC}.context",
    "if test == TRUE or self.hear is unheard:",
    "if True:",
)
LAST_PART = Kind(
    "classes are called by the last part of their names",
    f"{LOGIC}.names",
    'cls.__qualname__.rpartition("<locals>.")[2]',
    "cls.__name__",
)
CAPTURED = Kind(
    "a quantifier captures what has the same text",
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
                    "made = Context(self.logic, dict(self.env), dict(self.state),",
                    "made = Context(self.logic, self.env, dict(self.state),",
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
            "of two names that are the same, the outer one is meant",
            f"{LOGIC}.context",
            "return replace(self, env={**self.env, names[0]: value})",
            "return replace(self, env={names[0]: value, **self.env})",
            NOT_APART,
        ),
    ),
    "a partial operation has an answer where it has none": (
        Kind(
            "a partial operation has an answer everywhere",
            f"{LOGIC}.context",
            "        if self.hear is unheard:\n            return\n        parts",
            "        if True:\n            return\n        parts",
        ),
        Kind(
            "there is a ballot after the last and before the first",
            f"{LOGIC}.logic",
            "there = conj(there, context.theory.beyond(t, term, up=up))",
            "there = TRUE",
        ),
        Kind(
            "an index may be out of range",
            f"{LOGIC}.containers",
            'context.demand(Failing.ERROR, inside, "an index out of range", span)',
            "pass",
        ),
        Kind(
            "a negative index is beyond the end",
            f"{LOGIC}.containers",
            "return choice(less(index, Number(0)), plus(length, index), index)",
            "return index",
        ),
        Kind(
            "what a helper demands is not heard",
            f"{LOGIC}.context",
            "return replace(self, env=env)._value(function.body)",
            "return replace(self.silent(), env=env)._value(function.body)",
        ),
    ),
    "a partial operation in a branch that is not taken makes a guard false or an axiom inconsistent": (
        ALWAYS_TAKEN,
        Kind(
            "`all` and `any` come to all elements",
            f"{LOGIC}.clauses",
            "        if run is not None:\n            here = _come_to",
            "        if False:\n            here = _come_to",
        ),
        Kind(
            "the branches of a helper demand as if both were taken",
            f"{LOGIC}.context",
            "first = here.under(holds)._value((*then, *rest))\n"
            "                    return either(holds, first, here.under(neg(holds))._value((*orelse, *rest)))",
            "first = here._value((*then, *rest))\n"
            "                    return either(holds, first, here._value((*orelse, *rest)))",
        ),
        Kind(
            "an assumption demands what it does not come to",
            f"{LOGIC}.obligations",
            "formula = context.call(function, [])",
            'formula = Context(self.logic, {}, {}, {}, heard.append, frozenset("?")).call(function, [])',
            Kind(
                "conditions are not heard of there",
                f"{LOGIC}.context",
                "if test == TRUE or self.hear is unheard:",
                'if test == TRUE or self.hear is unheard or "?" in self.unset:',
            ),
        ),
        Kind(
            "what need not exist is a fact",
            "ratified.smt.definite",
            "fact = implies(exists, says)",
            "fact = says",
        ),
    ),
    "None and an option's member in universes, sets, quorums": (
        Kind(
            "None is in no universe and no set",
            f"{LOGIC}.symbols",
            "return [vs.none(), *(vs.present(v) for v in shapes.variants(t.item))]",
            "return [vs.present(v) for v in shapes.variants(t.item)]",
        ),
        Kind(
            "an option that is None is a member all the same",
            f"{LOGIC}.variants",
            "return conj(shape.some, test), columns",
            "return test, columns",
        ),
    ),
    "bags: equality, majority, removal, literals, comprehensions, bags over maps": (
        Kind(
            "bags are compared by what is in them",
            f"{LOGIC}.equality",
            "if count is not None and other is not None:",
            "if False:",
        ),
        Kind(
            "a bag has a majority as a set has",
            f"{LOGIC}.counting",
            "return isinstance(t, SetType) and t.item == sort",
            "return isinstance(t, SetType | BagType) and t.item == sort",
        ),
        Kind(
            "a copy that is taken from a bag takes all",
            f"{LOGIC}.containers",
            "return replace(left, count=fewer)",
            "return replace(left, count=lambda x: choice(same(x, item), Number(0), count(x)))",
        ),
        Kind(
            "a bag that is written out has one of each",
            f"{LOGIC}.constants",
            "            found = plus(found, as_number(same(x, y)))\n        return found\n\n    return replace",
            "            found = choice(same(x, y), Number(1), found)\n        return found\n\n    return replace",
        ),
        Kind(
            "a bag of some of another bag has one of each",
            f"{LOGIC}.collecting",
            "each = Number(1) if copies is None else copies(x)",
            "each = Number(1)",
        ),
        Kind(
            "a bag of a map's values has one of each",
            f"{LOGIC}.collecting",
            "        or not is_name(node.element, clause)\n        or isinstance",
            "        or isinstance",
        ),
    ),
    "first values of ranges that do not hold 0": (
        Kind(
            "the first value of a range is 0",
            f"{LOGIC}.steps",
            "return Atom(choice(within, Number(0), least))",
            "return Atom(Number(0))",
        ),
        Kind(
            "the first value of a range whose bound is a text is 0",
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
            "numbered values are different at every size",
            f"{LOGIC}.theory",
            "fact = implies(enough, neg(equal(made, other)))",
            "fact = neg(equal(made, other))",
        ),
    ),
    "names that the translation itself uses": (
        Kind(
            "that there is a value is called like a field",
            f"{LOGIC}.symbols",
            'return Maybe(at.apply("?", BOOL), at.inside("", t.item))',
            'return Maybe(at.apply(".some", BOOL), at.inside("", t.item))',
            needs=r"    some: ",
        ),
        Kind(
            "members of an enum are one symbol",
            f"{LOGIC}.symbols",
            'at.apply(f"={ascii_name(m.name)}", BOOL)',
            'at.apply("=", BOOL)',
        ),
        Kind(
            "an argument and a variable of one name are one",
            f"{LOGIC}.names",
            'return f"arg/{ascii_name(function)}/{ascii_name(name)}"',
            'return f"state/{ascii_name(name)}"',
            needs=r"self, n: ",
        ),
        Kind(
            "variables are called as the model calls them",
            f"{LOGIC}.names",
            'return f"state/{ascii_name(name)}"',
            "return ascii_name(name)",
            needs=r"self\.(store|select|ite|forall|exists|distinct|let|par|mod|div|xor|is_\w+)\b",
        ),
    ),
    "a loop reads what it writes": (
        Kind(
            "a loop reads what its other turns have written",
            f"{LOGIC}.turns",
            "if any(_reads(part, v, turn.name, uses) for part in parts for v in written):",
            "if False:",
        ),
        Kind(
            "what a loop carries is found as the loop leaves it",
            f"{LOGIC}.loops",
            "return Later(lambda: carried.found(place))",
            "return Later(lambda: carried.left())",
        ),
        Kind(
            "the last turn is taken for the first",
            f"{LOGIC}.loops",
            "last=True,",
            "last=False,",
        ),
        Kind(
            "a loop goes on after a return",
            f"{LOGIC}.loops",
            "return [*self._ended(places), *found] if ends else found",
            "return found",
        ),
        Kind(
            "a loop counts all turns",
            f"{LOGIC}.folding",
            "there = lambda x, k=amount: conj(passes(x), equal(number(x), k))",
            "there = lambda x, k=amount: passes(x)",
        ),
    ),
    "quorum systems given by the user that need not intersect": (
        Kind(
            "quorums of the user meet, whatever they are",
            f"{LOGIC}.theory",
            'return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))',
            'system = self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))\n'
            '            self.axioms.append(Axiom("they meet", f"{name}/has", meet(system)))\n'
            "            return system",
        ),
        Kind(
            "there is a quorum, whatever the user gives",
            f"{LOGIC}.theory",
            'return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))',
            "return self._quorums(name, t.item, TRUE)",
        ),
    ),
    "assumptions that are contradictory for some sizes, a model without an initial state": (
        Kind(
            "a model without a beginning begins",
            "ratified.smt.attempts",
            "if all(f.formula == TRUE for f in self.facts):",
            "if True:",
            needs=r"len\(\w+\) > 2 and len\(\w+\) < 2|def never_so",
        ),
        Kind(
            "a model without a beginning holds when it is unrolled",
            f"{FINITE}.bounded",
            "raise self._nothing_begins()",
            "self.found = replace(self.found, steps=0, verdict=Verdict.HOLDS, complete=True)",
            needs=r"len\(\w+\) > 2 and len\(\w+\) < 2",
        ),
    ),
    "two words for one name": (
        Kind(
            "an underscore at the end of a name is dropped",
            f"{LOGIC}.names",
            'return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in name)',
            'return "".join(c if c.isascii() else f"~{ord(c):x}~" for c in name.rstrip("_"))',
        ),
    ),
    "a loop over a set display is unrolled in source order, equal items twice": (
        Kind(
            "the loop over a set display is unrolled in the order of its source",
            f"{LOWER}.unroll",
            "case ir.MakeSet(items=items) if len(items) <= 1:",
            "case ir.MakeSet(items=items):",
        ),
    ),
    "loop items are read in the state that earlier turns left": (
        Kind(
            "items of a display are read as late as their turns",
            f"{LOWER}.unroll",
            "found += [ir.Let(loop.span, loop.names, ir.Local(item.span, item.type, name)), *loop.body]",
            "found += [ir.Let(loop.span, loop.names, item), *loop.body]",
        ),
        Kind(
            "items of a loop are read in the state that earlier turns left",
            f"{LOGIC}.turns",
            "if at < len(found) - 1 and uses.reads(node.domain, Which.NOW) & uses.writes(turn.statement):",
            "if False:",
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
    "constants of the translation are captured by a quantifier of the same text": (CAPTURED,),
    "running through a map with int keys: all integers": (
        Kind(
            "a map with int keys has all integers for keys",
            f"{LOGIC}.symbols",
            "return replace(self.members(t, lambda v, columns: v.within(columns)), typed=True)",
            "return replace(self.members(t, lambda v, columns: TRUE), typed=True)",
        ),
    ),
    "equality of maps whose bound is a text": (
        Kind(
            "a bound that is a text is none",
            f"{LOGIC}.symbols",
            "low = TRUE if t.low is None else at_most(self._bound(t.low), term)\n"
            "        return conj(low, TRUE if t.high is None else at_most(term, self._bound(t.high)))",
            "low = TRUE if not isinstance(t.low, int) else at_most(self._bound(t.low), term)\n"
            "        return conj(low, TRUE if not isinstance(t.high, int) else at_most(term, self._bound(t.high)))",
        ),
    ),
    "`Seq(m.values())` with the meaning of a set": (
        Kind(
            "the values of a map in a sequence are the set of them",
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
    "two records, or two sorts, of one name": (
        Kind(
            "two records of one name are one",
            f"{LOGIC}.names",
            'return [n if plain.count(n) == 1 else f"{n}~{i}" for i, n in enumerate(plain)]',
            "return plain",
            LAST_PART,
        ),
        Kind(
            "two sorts may have one name",
            "ratified.language.compile.module",
            "if (other := named.setdefault(t.sort.__name__, t)) is not t:",
            "if (other := named.setdefault(t.sort.__name__, t)) is None:",
            needs=r"class Far:",
        ),
    ),
    "a variable or an action named like a sort": (
        Kind(
            "the ends of an order are called like fields of a variable",
            f"{LOGIC}.theory",
            'name = f"{sort_name(t)}/{which}"',
            'name = f"state/{t.sort.__name__}.{which}"',
        ),
        Kind(
            "the ends of an order are called like arguments of an action",
            f"{LOGIC}.theory",
            'name = f"{sort_name(t)}/{which}"',
            'name = f"arg/{t.sort.__name__}/{which}"',
        ),
    ),
    "a step invariant under k-induction that a self-loop breaks": (
        Kind(
            "the last state of a path is new, of step invariants too",
            f"{FINITE}.bounded",
            "wrong.append((claim.name, literal if of_step else circuit.both(fresh, literal)))",
            "wrong.append((claim.name, circuit.both(fresh, literal)))",
            needs="@step_invariant",
        ),
    ),
    "the other way round: an assumption is dropped": (
        Kind(
            "an assumption is dropped",
            f"{LOGIC}.obligations",
            "self.assumptions.append(Fact(says, self.definitions.plain(whole)))",
            "pass",
        ),
        Kind(
            "an assumption about sizes alone is dropped",
            f"{LOGIC}.obligations",
            "not mentioned\n                    or any(s in used for s in mentioned)\n"
            "                    or self._sized(mentioned, [*chosen.values(), *facts])",
            "any(s in used for s in mentioned)",
        ),
    ),
    "the other way round: a majority knows only that two meet": (
        Kind(
            "of majorities nothing is known",
            f"{LOGIC}.theory",
            "self.axioms.append(Axiom(says, about, meet(system)))",
            "pass",
        ),
        Kind(
            "of majorities nothing but that two meet is known",
            f"{LOGIC}.theory",
            "self._sized(t)",
            "pass",
            Kind(
                "nor is more looked for in small models",
                f"{LOGIC}.small",
                "counted = [_counted(s, sizes) for s in symbols if is_majority(s)]",
                "counted = []",
            ),
            needs=r"2 \* len\(",
        ),
    ),
    "the other way round: `assert` is skipped": (
        Kind(
            "an assertion is skipped",
            f"{LOGIC}.statements",
            "if not path.tried:\n                context.demand(Failing.ERROR",
            "if False:\n                context.demand(Failing.ERROR",
        ),
    ),
    "the other way round: a solver's error is told as UNDECIDED": (
        Kind(
            "what a solver refuses is not known",
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
    "state and order": (
        Kind(
            "the state before is the state after",
            f"{LOGIC}.logic",
            "context.old",
            "context.now",
        ),
        Kind(
            "an order is taken for the other way round",
            f"{LOGIC}.logic",
            "return neg(order(b, a)) if strict else order(a, b)",
            "return neg(order(a, b)) if strict else order(b, a)",
        ),
    ),
}

FAULTS: tuple[Kind, ...] = tuple(fault for faults in KINDS.values() for fault in faults)
"""All faults, in order."""
