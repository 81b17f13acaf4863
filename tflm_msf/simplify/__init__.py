"""Simplifies a graph before anything is fused: what a converter left that stands between a network and its blocks.

Each rule is a file with its condition and its proof: that TFLM gives the same bits with and without it. What cannot be
shown to stay the same stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflm_msf.graph import Graph, Model
from tflm_msf.simplify import (
    constants,
    conversions,
    float_tables,
    images,
    mixed_depthwise,
    paddings,
    thin_transposes,
    transposed_dense,
    transposed_means,
    transposed_tables,
    transposes,
    uniform,
    unread,
    views,
)
from tflm_msf.simplify.rule import Edit, Rule, Wiring, applied, has_input, with_names

RULES: tuple[Rule, ...] = (
    constants.RULE,
    unread.RULE,
    thin_transposes.RULE,
    views.RULE,
    transposes.RULE,
    transposed_means.RULE,
    transposed_tables.RULE,
    transposed_dense.RULE,
    conversions.RULE,
    float_tables.RULE,
    paddings.RULE,
    mixed_depthwise.RULE,
    uniform.RULE,
)

RULES_WITH_LIBM: tuple[Rule, ...] = (*RULES, float_tables.WITH_LIBM)
"""For who allows that table entries hang on how the C library rounds."""

__all__ = ["RULES", "RULES_WITH_LIBM", "Change", "Rule", "Simplified", "simplify"]

MOST_SWEEPS = 100
"""What needs more of them is a chain that no converter makes; the rest of it stays as it is."""


@dataclass(frozen=True)
class Change:
    """What a rule did: ``operators`` are (index in the file, name) of those that it changed or folded away."""

    says: str
    operators: tuple[tuple[int, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The change in plain values."""
        operators = [{"index": index, "operator": name} for index, name in self.operators]
        return {"says": self.says, "operators": operators}


@dataclass(frozen=True)
class Simplified:
    """A model after all rules; ``origins`` gives the index in the file of each operator of its main graph."""

    model: Model
    origins: tuple[int, ...]
    changes: tuple[Change, ...]


def simplify(model: Model, rules: tuple[Rule, ...] = RULES) -> Simplified:
    """Applies all rules until none fires, and separates images (see :mod:`tflm_msf.simplify.images`).

    Tensors keep their indices; those that nobody names any more stay behind.
    """
    simplified = _by_rules(model, tuple(range(len(model.main.ops))), rules)
    main, origins = simplified.model.main, simplified.origins
    separate = images.by_image(main, origins) if len(model.graphs) == 1 and rules else None
    if separate is None:
        return simplified
    graph, origins_of_images = separate
    change = Change(images.SAYS, tuple((index, model.main.ops[index].name) for index in sorted({*origins})))
    names = tuple(op.name for op in model.main.ops)
    again = _by_rules(replace(simplified.model, graphs=(graph,)), origins_of_images, rules, names)
    return replace(again, changes=(*simplified.changes, change, *again.changes))


def _by_rules(
    model: Model, origins: tuple[int, ...], rules: tuple[Rule, ...], names: tuple[str, ...] = ()
) -> Simplified:
    """``origins`` of the operators, and the ``names`` of all in the file (those of the model, if they are the same)."""
    file_ops = names or tuple(op.name for op in model.main.ops)
    graph = model.main
    kept = _seen_from_outside(model)
    by_builtin: dict[str, list[Rule]] = {}
    for rule in rules:
        for anchor in rule.anchors:
            by_builtin.setdefault(anchor, []).append(rule)
    done: dict[Rule, dict[int, str]] = {rule: {} for rule in rules}
    for _ in range(MOST_SWEEPS):
        found = _sweep(Wiring(graph, kept), by_builtin)
        if not found:
            break
        for rule, edit in found:
            done[rule].update((origins[index], file_ops[origins[index]]) for index in edit.ops)
        graph, origins = applied(graph, origins, _joined(graph, [edit for _, edit in found]))
    changes = [Change(rule.says, tuple(sorted(ops.items()))) for rule, ops in done.items() if ops]
    return Simplified(replace(model, graphs=(graph, *model.graphs[1:])), origins, tuple(changes))


def _seen_from_outside(model: Model) -> frozenset[int]:
    named = (tensor for signature in model.signatures if signature.graph == 0 for _, tensor in signature.outputs)
    return frozenset((*model.main.inputs, *model.main.outputs, *named))


def _sweep(wiring: Wiring, rules: Mapping[str, list[Rule]]) -> list[tuple[Rule, Edit]]:
    """Edits that have nothing to do with one another, those of earlier operators first."""
    graph = wiring.graph
    touched: set[int] = set()
    found: list[tuple[Rule, Edit]] = []
    for index, op in enumerate(graph.ops):
        for rule in rules.get(op.builtin, ()) if has_input(op) else ():
            edit = rule.find(wiring, index)
            if edit is not None and touched.isdisjoint(edit.touched(graph)):
                touched |= edit.touched(graph)
                found.append((rule, edit))
                break
    return found


def _joined(graph: Graph, edits: list[Edit]) -> Edit:
    """Several edits as one. Each gave its new tensors the indices behind the graph's last; they get their own here."""
    joined = Edit(())
    for edit in edits:
        first = len(graph.tensors)
        moved = {first + number: first + len(joined.added) + number for number in range(len(edit.added))}
        ops = {index: tuple(with_names(op, moved) for op in parts) for index, parts in edit.ops.items()}
        joined = Edit(
            (),
            {**joined.ops, **ops},
            {**joined.tensors, **edit.tensors},
            joined.added + edit.added,
            {**joined.renamed, **edit.renamed},
        )
    return joined
