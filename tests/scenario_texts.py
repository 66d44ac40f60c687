"""Random scenarios in the engine's language; JSON is YAML."""

import json
from typing import Any

from reference_values import Json

OVERLAP = 4
"""`concurrency` of nodes whose operations may overlap."""


def settings_of(scenario: Json) -> Json:
    settings = {
        "store_incomplete_executions": scenario["stores"],
        "incomplete_limit": scenario["limit"],
        "enable_data_loss": scenario["loses"],
        "auto_commit": scenario["commits"],
        "commit_trigger_last": scenario["trigger_last"],
        "max_cycles": scenario["cycles"],
    }
    return {name: value for name, value in settings.items() if value is not None}


def as_yaml(scenario: Json) -> str:
    written: Json = {"settings": settings_of(scenario), "flow": _flow(scenario["flow"])}
    if scenario["on_error"]:
        written["on_error"] = _flow(scenario["on_error"])
    return json.dumps(written, indent=1)


def _flow(flow: list[Json]) -> list[Json]:
    return [_node(node) for node in flow]


def _node(node: Json) -> Json:
    written: Json = {"id": node["id"], "module": _module(node)}
    fields = _fields(node)
    if fields:
        written["with"] = fields
    if node.get("filter"):
        written["filter"] = _expression(node["filter"])
    if node.get("disabled"):
        written["disabled"] = True
    if node.get("overlaps"):
        written["concurrency"] = OVERLAP
    if node.get("on_error"):
        written["on_error"] = _flow(node["on_error"])
    if "routes" in node:
        written["routes"] = [_route(route) for route in node["routes"]]
    return written


def _route(route: Json) -> Json:
    written: Json = {"flow": _flow(route["flow"])}
    if route.get("filter"):
        written["filter"] = _expression(route["filter"])
    return written | {name: True for name in ("fallback", "disabled") if route.get(name)}


def _module(node: Json) -> str:
    match node["kind"]:
        case "trigger" | "module":
            return f"steps.{node['module']}"
        case "aggregator" if node["makes"] == "array":
            return "flow.array_aggregator"
        case "aggregator":
            return f"tools.{node['makes']}_aggregator"
        case "directive":
            return f"flow.{node['directive']}"
        case kind:
            return f"flow.{kind}"


def _fields(node: Json) -> Json:
    match node["kind"]:
        case "trigger" | "module":
            return _module_fields(node)
        case "iterator":
            return {"array": _item(node["array"], "parts") if node["array"] else []}
        case "repeater":
            return {name: node[name] for name in ("start", "repeats", "step")}
        case "aggregator":
            return _aggregating(node)
        case "retry":
            return {"attempts": node["attempts"], "error_types": node["types"]}
        case "throw":
            when = _expression(node["when"])
            return {"type": node["type"], "message": _reading(node), "when": when}
        case "directive":
            return _deciding(node)
        case _:
            return {}


def _module_fields(node: Json) -> Json:
    own = ("emits", "faults", "gets", "sets", "limit", "breaks")
    fields = {name: node[name] for name in own if node.get(name)}
    if node["continues"]:
        fields["continue_if_no_results"] = True
    if node["kind"] == "trigger":
        fields["bundles"] = node["bundles"]
    return fields | {"reads": _reading(node)}


def _aggregating(node: Json) -> Json:
    fields: Json = {"source": node["source"], "stop_if_empty": node["stop_if_empty"]}
    if node["group_by"]:
        fields["group_by"] = _item(*node["group_by"])
    match node["makes"]:
        case "array":
            return fields | {"fields": {"row": _reading(node)}}
        case "text":
            return fields | {"text": _reading(node), "row_separator": ", "}
        case "table":
            row = {"row": _reading(node), "end": "."}
            return fields | {"fields": row, "column_separator": "/"}
    fields["function"] = node["function"]
    return fields if node["function"] == "count" else fields | {"value": _item(*node["value"])}


def _deciding(node: Json) -> Json:
    given = node["fields"]
    if node["directive"] == "break":
        return {"automatically_complete": given["automatic"], "attempts": given["attempts"]}
    if node.get("mapped"):
        return {**given, node["mapped"]: _reading(node)}
    return dict(given)


def _reading(node: Json) -> str:
    texts = ("".join(_shown(name, item) for item in items) for name, items in node["reads"])
    return "reads " + "|".join(texts)


def _shown(name: str, item: str) -> str:
    if item == "rows":
        return f"{{{{ join(map({name}.array, 'row'), '+') }}}}"
    return _item(name, item)


def _item(name: str, item: str) -> str:
    return f"{{{{ {name}.{item} }}}}"


def _expression(condition: Json) -> Any:
    if not condition["on"]:
        return "{{ true }}"
    value = f"{condition['on']}.{condition['item']}"
    if "below" in condition:
        return f"{{{{ {value} < {condition['below']} }}}}"
    if "values" in condition:
        return f"{{{{ {value} in {json.dumps(condition['values'])} }}}}"
    return f"{{{{ {value} }}}}"
