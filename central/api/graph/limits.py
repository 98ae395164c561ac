"""What a query may cost, told before it is carried out. Pure.

A field costs 1; a field that lists things costs as many as it may list, each with all that is asked
of it. So nested lists multiply, and whoever asks is told what to leave out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import structlog
from graphql import ExecutionResult as CarriedOut
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import (
    AddValidationRules,
    DisableIntrospection,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)
from strawberry.types import ExecutionResult

from central.config import GraphSection

__all__ = ["FIRST", "MOST_FIRST", "Refused", "extensions"]

_log = structlog.get_logger(__name__)
logging.getLogger("strawberry.execution").disabled = True  # it logs what clients ask wrongly
FIRST, MOST_FIRST = 20, 100
"""How many a listing has unless ``first`` says it, and at most."""
_MOST_DEEP = 30
"""Fragments within fragments that are followed; a circle is refused by another rule."""


class _Cost(ValidationRule):
    """Refuses operations that may cost more than ``most``."""

    def __init__(self, context: ValidationContext, most: int) -> None:
        super().__init__(context)
        self._most = most
        self._fragments = {
            one.name.value: one
            for one in context.document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        """Called for each operation of a document."""
        cost = self._of(node.selection_set, 0)
        if cost > self._most:
            self.report_error(
                GraphQLError(
                    f"this may cost {cost}, more than {self._most}: ask for fewer with `first`, "
                    "or for less of each",
                    node,
                )
            )

    def _of(self, chosen: SelectionSetNode | None, depth: int) -> int:
        if chosen is None or depth > _MOST_DEEP:
            return 0
        cost = 0
        for one in chosen.selections:
            if isinstance(one, FieldNode):
                cost += 1 + _listed(one) * self._of(one.selection_set, depth + 1)
            elif isinstance(one, InlineFragmentNode):
                cost += self._of(one.selection_set, depth + 1)
            elif isinstance(one, FragmentSpreadNode):
                named = self._fragments.get(one.name.value)
                cost += self._of(named.selection_set if named else None, depth + 1)
            if cost > self._most:
                break  # enough to refuse it: a document can be made to take for ever
        return cost


_LISTS = frozenset(
    {
        "items",
        "locations",
        "stock",
        "movements",
        "reviews",
        "alerts",
        "documents",
        "lines",
        "children",
    }
)


def _listed(field: FieldNode) -> int:
    """How many things a field may give; variables may say the most."""
    if field.name.value not in _LISTS:
        return 1
    for argument in field.arguments or ():
        if argument.name.value == "first":
            value = argument.value
            said = int(value.value) if isinstance(value, IntValueNode) else MOST_FIRST
            return min(max(said, 1), MOST_FIRST)
    return FIRST


def extensions(settings: GraphSection) -> Sequence[Callable[[], SchemaExtension]]:
    """The limits as the schema takes them."""
    cost: Any = partial(_Cost, most=settings.most_cost)
    made: list[Callable[[], SchemaExtension]] = [
        lambda: MaxTokensLimiter(max_token_count=settings.most_tokens),
        lambda: MaxAliasesLimiter(max_alias_count=settings.most_aliases),
        lambda: QueryDepthLimiter(max_depth=settings.most_depth),
        lambda: AddValidationRules([cost]),
        _Faults,
    ]
    if not settings.introspection:
        made.append(DisableIntrospection)
    return made


class _Faults(SchemaExtension):
    """What somebody asks wrongly is theirs to read; what fails within goes into the log alone."""

    def on_operation(self) -> Iterator[None]:
        """Called around a query."""
        yield
        result = self.execution_context.result
        if isinstance(result, ExecutionResult | CarriedOut) and result.errors:
            result.errors = [self._shown(one) for one in result.errors]

    @staticmethod
    def _shown(error: GraphQLError) -> GraphQLError:
        fault = error.original_error
        if fault is None or isinstance(fault, Refused | GraphQLError):
            return error
        _log.error("graphql_failed", where=error.path, exc_info=fault)
        return GraphQLError("this failed within central", error.nodes, path=error.path)


class Refused(Exception):
    """What was asked for cannot be answered; the text is for whoever asked."""
