"""A type object in, the arguments that it was made with out.

SQLAlchemy's own types say them in their ``repr()``.  For others the signature
of ``__init__`` is read, and attributes of the same names.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from sqlalchemy.types import TypeDecorator, TypeEngine

from whimbrel.script.references import Source, Unwritable, Values, joined


MISSING = object()
SECRET = re.compile("key|secret|passw|passphrase|token|salt", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call.

    Args:
        value: what is given.
        name: its keyword; None for one that is given by its place.
    """

    value: Any
    name: str | None = None


def call(function: Source, arguments: list[Argument], values: Values) -> Source:
    """Return the call of *function* with *arguments*."""
    written = [
        values.source(each.value).wrapped(f"{each.name}=" if each.name else "")
        for each in arguments
    ]
    return joined("%s", (function, joined("(%s)", written)), "")


def own_arguments(type_: TypeEngine[Any]) -> list[Argument]:
    """Return what the signature of a type's class and its attributes tell.

    What equals its default is left out.

    Raises:
        Unwritable: an argument is needed, and no attribute has its name.
    """
    found: list[Argument] = []
    for parameter in _parameters(type(type_)):
        if parameter.kind is Parameter.VAR_POSITIONAL:
            many = _attribute(type_, parameter.name)
            if isinstance(many, list | tuple):
                found.extend(Argument(each) for each in many)
            continue
        is_needed = parameter.default is Parameter.empty
        value = _attribute(type_, parameter.name, also_private=is_needed)
        is_unknown = value is MISSING or _is_secret(parameter.name, value)
        if is_unknown and is_needed:
            raise Unwritable(f"{type(type_).__name__} tells no {parameter.name}")
        if is_unknown or _is_default(value, parameter):
            continue
        by_place = is_needed and parameter.kind is not Parameter.KEYWORD_ONLY
        found.append(Argument(value, None if by_place else parameter.name))
    return found


def inner_arguments(type_: TypeDecorator[Any]) -> list[Argument]:
    """Return the arguments that a decorating type passed on to the one it decorates."""
    own = {parameter.name for parameter in _parameters(type(type_))}
    inner = own_arguments(type_.impl_instance)
    return [each for each in inner if each.name not in own]


def takes_more(type_: TypeEngine[Any]) -> bool:
    """Whether a type's class takes arguments that its signature does not name."""
    kinds = [each.kind for each in _signature(type(type_))]
    return Parameter.VAR_KEYWORD in kinds or Parameter.VAR_POSITIONAL in kinds


def written_arguments(type_: TypeEngine[Any]) -> str:
    """Return the arguments as a type's own ``repr()`` writes them, in parentheses.

    Raises:
        Unwritable: the text is no call.
    """
    text = repr(type_)
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError as cause:
        raise Unwritable(f"{text} is no Python") from cause
    if not isinstance(node, ast.Call):
        raise Unwritable(f"{text} is no call")
    # Enum tells of its MetaData, which a script has not
    node.keywords = [each for each in node.keywords if each.arg != "metadata"]
    said = {each.arg for each in node.keywords}
    if getattr(type_, "create_type", True) is False and "create_type" not in said:
        value = ast.Constant(value=False)  # ENUM of SQLAlchemy 2.0 keeps silent on it
        node.keywords.append(ast.keyword(arg="create_type", value=value))
    return ast.unparse(node)[len(ast.unparse(node.func)) :]


def says_its_arguments(type_: TypeEngine[Any]) -> bool:
    """Whether somebody other than SQLAlchemy wrote a type's ``repr()``."""
    for name in ("__repr__", "repr_struct"):
        method = getattr(type(type_), name, None)
        if method is not None and not method.__module__.startswith("sqlalchemy."):
            return True
    return False


def _signature(cls: type) -> list[Parameter]:
    try:
        return list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]  # the class is at hand
    except (TypeError, ValueError):
        return []


def _parameters(cls: type) -> Iterator[Parameter]:
    """Yield the parameters of a class, and of those that it passes keywords on to."""
    seen: set[str] = set()
    left_out: set[object] = {Parameter.VAR_KEYWORD}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base in (TypeDecorator, object):
            continue
        own = _signature(base)
        for parameter in own:
            if parameter.name not in seen and parameter.kind not in left_out:
                yield parameter
        seen.update(parameter.name for parameter in own)
        left_out.add(Parameter.VAR_POSITIONAL)
        if not any(each.kind is Parameter.VAR_KEYWORD for each in own):
            return


def _attribute(type_: TypeEngine[Any], name: str, *, also_private: bool = False) -> Any:
    """Return what a type, or the one that it decorates, keeps under a name."""
    mangled = f"_{type(type_).__name__.lstrip('_')}__{name}"
    kept = vars(type_)
    for each in (name, f"_{name}", mangled) if also_private else (name,):
        if each in kept:
            return kept[each]
    known = inspect.getattr_static(type(type_), name, MISSING)
    if isinstance(known, property):
        with warnings.catch_warnings():  # SQLAlchemy deprecates some of its own
            warnings.simplefilter("ignore", DeprecationWarning)
            return getattr(type_, name)
    if known is MISSING and isinstance(type_, TypeDecorator):
        return getattr(type_.impl_instance, name, MISSING)
    return MISSING if callable(known) else known


def _is_secret(name: str, value: Any) -> bool:
    """Whether a value is nothing for a script that everybody reads."""
    return isinstance(value, str | bytes) and bool(SECRET.search(name))


def _is_default(value: Any, parameter: Parameter) -> bool:
    if parameter.default is Parameter.empty:
        return False
    return value is parameter.default or bool(value == parameter.default)
