"""Requests to create jobs and tasks: checked whole before anything runs.

Paths are dotted: `tasks.{name}.{field}` in a job, the plain field in a lone task. Source:
CloudConvert API v2, recorded validation errors; the nested paths are Assumed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from modules.cloudconvert.local.graph import cycle_in
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Operation, set_fields
from modules.cloudconvert.local.operations.registry import OPERATIONS
from modules.cloudconvert.local.refusal import Refusal, invalid
from modules.cloudconvert.local.validation_texts import Errors, field_messages, placed
from modules.cloudconvert.local.webhooks import check_url

MOST_TASKS = 5000
"""Of one job, so that it is made in seconds. Assumed: the service publishes no number."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that may be created. `inputs` are names within the job, or ids of other tasks."""

    operation: Operation
    payload: dict[str, Any]
    name: str | None = None
    inputs: tuple[str, ...] = ()
    ignore_error: bool = False


@dataclass(frozen=True, slots=True)
class NewJob:
    tasks: Sequence[NewTask]
    tag: str | None
    webhook_url: str | None
    redirect: bool = False


def check_job(body: Mapping[str, Any], inventory: Inventory, *, blocking: bool) -> NewJob:
    """Check the body of `POST /v2/jobs`; raises Refusal 422 with everything that is wrong."""
    errors = Errors()
    tag = _text(body, "tag", errors)
    webhook_url = check_url(body, "webhook_url", errors)
    tasks = body.get("tasks")
    if not tasks:
        errors.add("tasks", "The {path} field is required.")
        errors.raise_if_any()
    if not isinstance(tasks, dict):
        raise invalid({"tasks": ["The tasks must be an array."]})
    if len(tasks) > MOST_TASKS:
        raise invalid({"tasks": [f"The tasks may not have more than {MOST_TASKS} items."]})
    names = frozenset(tasks)
    made = [
        checked
        for name, fields in tasks.items()
        if (checked := _check_task(name, fields, names, inventory, errors)) is not None
    ]
    errors.raise_if_any()
    _refuse_cycle(made)
    if blocking:
        _refuse_uploads(made)
    return NewJob(made, tag, webhook_url, redirect=body.get("redirect") in (True, "true"))


def check_lone_task(name: str, body: Mapping[str, Any], inventory: Inventory) -> NewTask:
    """Check the body of `POST /v2/{operation}`; raises Refusal."""
    operation = operation_of(name)
    if operation is None:
        raise Refusal(404, "NOT_FOUND", f"There is no operation {name}.")
    errors = Errors()
    task = _check_fields(operation, body, _Spot("", None), inventory, errors)
    errors.raise_if_any()
    return task


def operation_of(name: Any) -> Operation | None:
    """Find an operation; the spelling `import/azure-blob` counts as `import/azure/blob`."""
    if not isinstance(name, str):
        return None
    return OPERATIONS.get(name) or OPERATIONS.get(name.replace("-", "/"))


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a task stands: the prefix of its paths, and the names it may refer to."""

    prefix: str
    names: frozenset[str] | None
    own_name: str | None = None


def _check_task(
    name: str, fields: Any, names: frozenset[str], inventory: Inventory, errors: Errors
) -> NewTask | None:
    path = f"tasks.{name}"
    if not _NAME.fullmatch(name):
        errors.add(path, "The task name may only contain letters, numbers, dashes and underscores.")
        return None
    if not isinstance(fields, dict):
        errors.add(path, "The {path} must be an array.")
        return None
    if not fields.get("operation"):
        errors.add(f"{path}.operation", "The {path} field is required.")
        return None
    operation = operation_of(fields["operation"])
    if operation is None:
        errors.add(f"{path}.operation", "The selected {path} is invalid.")
        return None
    return _check_fields(operation, fields, _Spot(f"{path}.", names, name), inventory, errors)


def _check_fields(
    operation: Operation,
    body: Mapping[str, Any],
    spot: _Spot,
    inventory: Inventory,
    errors: Errors,
) -> NewTask:
    payload = {key: value for key, value in set_fields(body).items() if key != "operation"}
    inputs = _inputs(operation, payload, spot, errors)
    checked = _validated(operation.fields, payload, spot.prefix, errors)
    ignore_error = payload.get("ignore_error", False)
    if not isinstance(ignore_error, bool):
        errors.add(f"{spot.prefix}ignore_error", "The {path} field must be true or false.")
    if checked is not None:
        _check_engine(operation, checked, spot.prefix, inventory, errors)
    return NewTask(operation, payload, spot.own_name, inputs, ignore_error is True)


def _check_engine(
    operation: Operation, checked: BaseModel, prefix: str, inventory: Inventory, errors: Errors
) -> None:
    try:
        operation.check(checked, inventory)
    except Refusal as refusal:
        if refusal.code != "INVALID_DATA":
            raise placed(refusal, prefix) from refusal
        errors.add_refusal(prefix, refusal)


def _validated(
    model: type[BaseModel], payload: Mapping[str, Any], prefix: str, errors: Errors
) -> BaseModel | None:
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        errors.add_refusal(prefix, invalid(field_messages(error)))
        return None


def _inputs(
    operation: Operation, payload: Mapping[str, Any], spot: _Spot, errors: Errors
) -> tuple[str, ...]:
    if not operation.takes_input:
        return ()
    path = f"{spot.prefix}input"
    given = payload.get("input")
    if not given:
        errors.add(path, "The {path} field is required.")
        return ()
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        errors.add(path, "The {path} must be a string or an array of strings.")
        return ()
    for unknown in _unknown(listed, spot):
        errors.add(path, f'The selected {{path}} is invalid: there is no task "{unknown}".')
    return tuple(dict.fromkeys([*listed, *_edges(operation, payload, spot, errors)]))


def _edges(
    operation: Operation, payload: Mapping[str, Any], spot: _Spot, errors: Errors
) -> Iterator[str]:
    """Yield the tasks that other fields than `input` name."""
    for edge in operation.edges:
        named = payload.get(edge)
        if isinstance(named, str):
            for unknown in _unknown([named], spot):
                text = f'The selected {{path}} is invalid: there is no task "{unknown}".'
                errors.add(spot.prefix + edge, text)
            yield named


def _unknown(inputs: Sequence[str], spot: _Spot) -> Iterator[str]:
    """Yield what cannot be an input; whether an id exists is known only to the store."""
    for one in inputs:
        named = spot.names is not None and one in spot.names
        if not named and not _UUID.fullmatch(one):
            yield one


def _text(body: Mapping[str, Any], name: str, errors: Errors) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    errors.add(name, "The {path} must be a string.")
    return None


def _refuse_cycle(tasks: Sequence[NewTask]) -> None:
    names = {task.name for task in tasks}
    edges = {str(task.name): [one for one in task.inputs if one in names] for task in tasks}
    if (name := cycle_in(edges)) is not None:
        path = f"tasks.{name}.input"
        raise invalid({path: [f"The {path} is invalid: the task would wait for itself."]})


def _refuse_uploads(tasks: Sequence[NewTask]) -> None:
    for task in tasks:
        if task.operation.awaits_upload:
            path = f"tasks.{task.name}.operation"
            text = f"The {path} cannot be used here: the answer would wait for the upload."
            raise invalid({path: [text]})
