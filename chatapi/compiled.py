"""Queries that the ORM compiles once, for the routes that are asked most.

Building a query costs Django more than the database needs to answer it. What is compiled here is an
ordinary queryset, with a `Parameter` wherever a value differs from call to call.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class Parameter(Value):
    """The place of a value in a compiled query. `field` is how the database takes it."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(None, output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class Compiled(Generic[M]):
    """A queryset whose SQL is made when it is first asked for, and kept.

    `build` gives the queryset: of model instances, with what `select_related` and `annotate` add,
    or of `values()`.
    """

    def __init__(self, build: Callable[[], "QuerySet[M, Any]"]) -> None:
        self._build = build

    @cached_property
    def _compiled(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        query = self._build().query
        compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        columns = [column for column, *_ in compiler.select[: compiler.col_count]]
        return sql, tuple(parameters), compiler, compiler.get_converters(columns)

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """The rows for these values of the parameters, as the fields' own types."""
        sql, parameters, compiler, converters = self._compiled
        bound = [
            each.output_field.get_db_prep_value(values[each.name], connection)
            if isinstance(each, Parameter)
            else each
            for each in parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, bound)
            found = cursor.fetchall()
        return list(compiler.apply_converters(found, converters)) if converters else found

    @cached_property
    def _names(self) -> tuple[str, ...]:
        query = self._compiled[2].query
        return (*query.values_select, *query.annotation_select)

    def dicts(self, **values: Any) -> list[dict[str, Any]]:
        """The same as dicts, of a queryset of `values()`."""
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in self.rows(**values)]

    @cached_property
    def _model(self) -> tuple[type[M], slice, list[str], Any, dict[str, int]]:
        compiler = self._compiled[2]
        info, select = compiler.klass_info, compiler.select
        own = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        names = [column.target.attname for column, *_ in select[own]]
        related = get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        return info["model"], own, names, related, compiler.annotation_col_map

    def instances(self, **values: Any) -> Iterator[M]:
        """The same as instances of the model."""
        model, own, names, related, annotations = self._model
        for row in self.rows(**values):
            instance = model.from_db(DEFAULT_DB_ALIAS, names, row[own])
            for populator in related:
                populator.populate(row, instance)
            for name, place in annotations.items():
                setattr(instance, name, row[place])
            yield instance

    def first(self, **values: Any) -> M | None:
        return next(self.instances(**values), None)
