"""Queries that the ORM compiles only once, for the most frequent routes.

Building a query takes Django longer than the database takes to run it. A compiled query is an
ordinary queryset with a `Parameter` for each value that differs between calls.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.base import ModelState

M = TypeVar("M", bound=Model)


class Parameter(Value):
    """A placeholder in a compiled query. `field` converts its value for the database."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(None, output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True, slots=True)
class Shape:
    """How to read a row: the columns of a model, and the models that `select_related` adds.

    Instances equal those of `Model.from_db`, but cost no call per field and send no signals, which
    have no receivers here.
    """

    model: type[Model]
    columns: slice
    names: list[str]
    key: int  # the column that is NULL when an outer join found nothing
    related: "list[tuple[Shape, Callable[[Any, Any], None], Callable[[Any, Any], None]]]"

    @classmethod
    def of(cls, info: dict[str, Any], select: Any) -> "Shape":
        columns = slice(info["select_fields"][0], info["select_fields"][-1] + 1)
        names = [column.target.attname for column, *_ in select[columns]]
        return cls(
            model=info["model"],
            columns=columns,
            names=names,
            key=columns.start + names.index(info["model"]._meta.pk.attname),
            related=[
                (cls.of(each, select), each["local_setter"], each["remote_setter"])
                for each in info.get("related_klass_infos", ())
            ],
        )

    def instance(self, row: Sequence[Any]) -> Any:
        """The instance in a row; None if an outer join found nothing."""
        if row[self.key] is None:
            return None
        instance = self.model.__new__(self.model)
        instance._state = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        instance.__dict__.update(zip(self.names, row[self.columns], strict=True))
        for shape, link, link_back in self.related:
            other = shape.instance(row)
            link(instance, other)
            if other is not None:
                link_back(other, instance)
        return instance


class Compiled(Generic[M]):
    """A queryset whose SQL is compiled on first use and kept.

    `build` returns the queryset: of model instances, with `select_related` and `annotate`, or of
    `values()`.
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
        """The rows for these values of the parameters, converted to the fields' types."""
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
        """The rows of a `values()` queryset as dicts."""
        names = self._names
        return [dict(zip(names, row, strict=True)) for row in self.rows(**values)]

    @cached_property
    def _shape(self) -> "Shape":
        compiler = self._compiled[2]
        return Shape.of(compiler.klass_info, compiler.select)

    def instances(self, **values: Any) -> Iterator[M]:
        """The rows as instances of the model."""
        shape, annotations = self._shape, self._compiled[2].annotation_col_map
        for row in self.rows(**values):
            instance: M = shape.instance(row)
            for name, place in annotations.items():
                setattr(instance, name, row[place])
            yield instance

    def first(self, **values: Any) -> M | None:
        return next(self.instances(**values), None)
