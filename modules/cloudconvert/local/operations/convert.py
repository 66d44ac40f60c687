"""convert: one format to another, by whichever converter serves the pair."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ConfigDict, ValidationError

from modules.cloudconvert.local.converters import registry
from modules.cloudconvert.local.converters.converter import Conversion, Converter
from modules.cloudconvert.local.formats import FORMATS, canonical
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Operation,
    Options,
    Outcome,
    ProcessingFields,
    RequiredText,
    Text,
    Work,
)
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.refusal import Refusal, TaskFailure, engine_missing, invalid
from modules.cloudconvert.local.sniff import format_of_file
from modules.cloudconvert.local.validation_texts import field_messages


class ConvertFields(ProcessingFields):
    """The options of the pair stand flat beside these."""

    model_config = ConfigDict(extra="allow", frozen=True)

    output_format: RequiredText
    input_format: Text | None = None


def _check(fields: ConvertFields, inventory: Inventory) -> None:
    output_format = canonical(fields.output_format)
    input_format = canonical(fields.input_format) if fields.input_format else None
    served = registry.converters_for(input_format, output_format)
    if not served:
        raise invalid({"output_format": [_no_pair(input_format, output_format)]})
    present = [one for one in served if one.version(inventory) is not None]
    if not present:
        raise engine_missing(f"The engine {served[0].engine}", _ways(served), "output_format")
    if len(present) == 1 or input_format is not None:
        _options(present[0], fields, output_format)


def _ways(served: Sequence[Converter]) -> str:
    """Return how to install an engine of a pair: any one of them."""
    return ", or ".join(dict.fromkeys(one.install for one in served))


def _no_pair(input_format: str | None, output_format: str) -> str:
    source = f"{input_format} " if input_format else ""
    return f"The selected {{path}} is invalid: nothing here converts {source}to {output_format}."


def _options(converter: Converter, fields: ConvertFields, output_format: str) -> Options:
    """Return the converter's options among the fields. Raises Refusal with plain field names."""
    try:
        options = converter.options.model_validate(fields.model_extra)
    except ValidationError as error:
        raise invalid(field_messages(error)) from error
    converter.check(options, output_format)
    return options


async def _run(work: Work) -> Outcome:
    fields: ConvertFields = work.fields
    results = Results(work)
    engine, version = None, None
    for source in work.inputs:
        converter, conversion = settle(work, source, fields)
        converted = await converter.run(work, conversion)
        extension = fields.output_format.strip().lower().lstrip(".")
        names = result_names(fields.filename, source.filename, extension, len(converted.paths))
        results.add(converted.paths, names, canonical(fields.output_format))
        engine, version = converted.engine or converter.engine, converted.engine_version
    return Outcome(results.made, engine, version)


def settle(work: Work, source: InputFile, fields: ConvertFields) -> tuple[Converter, Conversion]:
    """Choose the converter for a file, now that its content is there. Raises TaskFailure."""
    output_format = canonical(fields.output_format)
    input_format = format_of_file(source.path, source.filename, fields.input_format)
    converter = registry.present_converter(input_format, output_format, work.inventory)
    if converter is None:
        raise _no_converter(input_format, output_format)
    try:
        options = _options(converter, fields, output_format)
    except Refusal as refusal:
        texts = [
            f"{name}: {text}" for name, all_ in (refusal.errors or {}).items() for text in all_
        ]
        raise TaskFailure("INVALID_DATA", " ".join(texts).replace("{path}", "value")) from refusal
    return converter, Conversion(source, input_format, output_format, options)


def _no_converter(input_format: str, output_format: str) -> TaskFailure:
    served = registry.converters_for(input_format, output_format)
    if served:
        text = f"The engine {served[0].engine} is not installed here. Install it: "
        return TaskFailure("ENGINE_MISSING", text + _ways(served))
    return TaskFailure(
        "INVALID_CONVERSION_TYPE", f"Nothing here converts {input_format} to {output_format}"
    )


def _entries(inventory: Inventory) -> Iterable[Entry]:
    seen: set[tuple[str, str]] = set()
    for converter in registry.LISTED:
        version = converter.version(inventory)
        if version is None:
            continue
        choices = {each: converter.choices(each, inventory) for each in converter.outputs}
        for pair in _pairs(converter):
            entry = _entry(converter, version, *pair)
            yield replace(entry, choices=choices[pair[1]], alternative=pair in seen)
            seen.add(pair)


def _pairs(converter: Converter) -> Sequence[tuple[str, str]]:
    return [(one, other) for one in sorted(converter.inputs) for other in sorted(converter.outputs)]


def _entry(converter: Converter, version: str, source: str, target: str) -> Entry:
    group: Any = FORMATS[source].kind
    return Entry(
        "convert",
        converter.engine,
        source,
        target,
        group=group,
        engine_version=version,
        options=converter.options,
    )


CONVERT = Operation(
    name="convert",
    fields=ConvertFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
