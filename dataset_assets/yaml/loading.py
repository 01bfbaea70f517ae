"""Build a model from a YAML document, and report each fault at its position in the file (BR-203)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dataset_assets.errors import (
    MOST_FAULTS,
    ContractError,
    Fault,
    first_faults,
    more_faults,
    raise_all,
)
from dataset_assets.text.wording import dotted, nearest, shown
from dataset_assets.yaml.reader import Document
from dataset_assets.yaml.sentences import choice, quoted_words, sentence

Path = tuple[str | int, ...]
Schema = dict[str, Any]
M = TypeVar("M", bound=BaseModel)

_MOST_WORDED = 10 * MOST_FAULTS
"""The number of errors that become sentences. It exceeds MOST_FAULTS, because a missing key is left out later
if it is only misspelt."""


def build(document: Document, model: type[M], root: str) -> M:
    """Build the model from the value of `root`, the only key of the file.

    Raises ContractError with all faults.
    """
    data = document.data
    if not isinstance(data, dict):
        message = "the file is empty" if data is None else f"the file holds {shown(data)}, not a mapping"
        fault = Fault(message, hint=f"begin it with `{root}:`", position=document.position(()))
        raise ContractError(fault)
    foreign = [key for key in data if key != root]
    problems = [_unknown((key,), [root]) for key in foreign[:_MOST_WORDED]]
    not_worded = len(foreign) - len(problems)
    if root not in data:
        problems.append(_ModelError((root,), "is required", f"begin the file with `{root}:`", missing=True))
        raise_all(ContractError, _faults(document, problems, not_worded))
    try:
        built = model.model_validate(data[root])
    except ValidationError as error:
        worded, more = _problems(error, model, root, document)
        problems, not_worded = problems + worded, not_worded + more
    raise_all(ContractError, _faults(document, problems, not_worded))
    return built


@dataclass(frozen=True)
class _ModelError:
    """A fault without its position. `meant` is the known key that is similar to an unknown one."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False
    missing: bool = False
    meant: str | None = None


def _faults(document: Document, problems: Sequence[_ModelError], not_worded: int) -> tuple[Fault, ...]:
    """Return the faults by position. A required key that is misspelt is one fault, not two."""
    misspelt = {(*problem.path[:-1], problem.meant) for problem in problems if problem.meant}
    faults = [
        Fault(
            problem.message,
            dotted(problem.path),
            problem.hint,
            document.position(problem.path, key=problem.at_key),
        )
        for problem in problems
        if not (problem.missing and problem.path in misspelt)
    ]
    ordered = sorted(faults, key=lambda fault: (fault.position, fault.field))
    rest = [more_faults(not_worded, ordered[-1].position)] if not_worded else []
    return first_faults((*ordered, *rest))


def _problems(
    error: ValidationError, model: type[BaseModel], root: str, document: Document
) -> tuple[list[_ModelError], int]:
    """Return the first errors in the order of the file as sentences, and the number of further errors."""
    details = [detail for detail in error.errors(include_url=False) if not _miscounted(detail)]
    traces = [_trace(detail, model) for detail in details]
    selected = _selected(traces)
    chosen = [
        (detail, trace, (root, *trace.path))
        for detail, trace in zip(details, traces, strict=True)
        if all(selected[site] == member for site, member, _ in trace.members)
    ]
    if len(chosen) > _MOST_WORDED:
        chosen.sort(key=lambda each: document.position(each[2], key=each[0]["type"] == "extra_forbidden"))
    return [_problem(*each) for each in chosen[:_MOST_WORDED]], len(chosen[_MOST_WORDED:])


def _miscounted(detail: Any) -> bool:
    """Return whether a list is only too short because pydantic does not count its invalid items."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _problem(detail: Any, trace: "_Trace", path: Path) -> _ModelError:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(path, list(trace.parent.get("properties", ())))
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _wrong_tag(detail, trace, path)
    message, hint = sentence(detail)
    return _ModelError(path, message, hint, at_key=trace.at_key, missing=kind == "missing")


def _unknown(path: Path, known: list[str]) -> _ModelError:
    meant = nearest(str(path[-1]), known)
    hint = (
        f"did you mean `{meant}`?" if meant else f"known here: {', '.join(known)}" if known else "remove it"
    )
    return _ModelError(path, "is not a known key", hint, at_key=True, meant=meant)


def _wrong_tag(detail: Any, trace: "_Trace", path: Path) -> _ModelError:
    """Return the error of a union whose discriminator key is missing or has an unknown value."""
    discriminator = trace.node.get("discriminator", {})
    known = list(discriminator.get("mapping", ())) or quoted_words(detail["ctx"].get("expected_tags", ""))
    name = discriminator.get("propertyName")
    path = (*path, name) if name else path
    value = detail["input"].get(name) if isinstance(detail["input"], dict) else detail["input"]
    if value is None:
        return _ModelError(path, "is required", f"write one of {', '.join(known)}", missing=True)
    return _ModelError(path, *choice(value, known))


@dataclass(frozen=True)
class _Trace:
    """The path in the file that the `loc` of an error leads to, and the JSON Schema of the value there.

    `parent` is the schema of the mapping or list that contains the value. `members` holds for each union
    without a discriminator on the path (path of the union, member, whether the value has another kind).
    """

    path: Path
    node: Schema
    parent: Schema
    at_key: bool
    members: tuple[tuple[Path, str, bool], ...]


def _trace(detail: Any, model: type[BaseModel]) -> _Trace:
    """Follow `loc` through the schema of the model, without the union members that pydantic adds to it."""
    loc = detail["loc"]
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    node, parent = _open(schema, definitions), {}
    path: list[str | int] = []
    members: list[tuple[Path, str, bool]] = []
    at_key = False
    for number, step in enumerate(loc):
        if step == "[key]" and number == len(loc) - 1:
            at_key = True
        elif "discriminator" in node:
            chosen = node["discriminator"]["mapping"].get(step)
            node = _open({"$ref": chosen}, definitions) if chosen else {}
        elif "anyOf" in node:
            wrong_kind = number == len(loc) - 1 and _is_of_another_kind(detail)
            members.append((tuple(path), str(step), wrong_kind))
            node = next((member for member in _members(node, definitions) if member.get("title") == step), {})
        else:
            path.append(step)
            node, parent = _open(_child(node, step), definitions), node
    return _Trace(tuple(path), node, parent, at_key, tuple(members))


def _is_of_another_kind(detail: Any) -> bool:
    """Return whether an error says that the value is of another kind: a list instead of a word."""
    is_no_word = detail["type"] == "literal_error" and isinstance(detail["input"], list | dict)
    return is_no_word or detail["type"].endswith("_type")


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _open(node: Schema, definitions: Schema) -> Schema:
    """Return the schema that references and `X | None` lead to."""
    if "$ref" in node:
        return _open(definitions[node["$ref"].rpartition("/")[2]], definitions)
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    return _open(choices[0], definitions) if len(choices) == 1 else node


def _members(node: Schema, definitions: Schema) -> Iterator[Schema]:
    return (_open(member, definitions) for member in node["anyOf"])


def _child(node: Schema, step: str | int) -> Schema:
    if isinstance(step, str):
        named = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
        child = node.get("properties", {}).get(step, named)
    else:
        before = node.get("prefixItems", [])
        child = before[step] if step < len(before) else node.get("items")
    return child if isinstance(child, dict) else {}


def _selected(traces: Sequence[_Trace]) -> dict[Path, str]:
    """Return for each union without a discriminator the member that the value fits best.

    A member of the right kind is preferred, then the one with the fewest errors.
    """
    errors: dict[Path, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for trace in traces:
        for site, member, wrong_kind in trace.members:
            errors[site][member].append(wrong_kind)
    return {
        site: min(members, key=lambda member: (any(members[member]), len(members[member])))
        for site, members in errors.items()
    }
