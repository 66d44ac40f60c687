"""`/v2/users/me` and `/v2/operations`: who one is here, and what can be done."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from modules.cloudconvert.local.answers import operation_entry
from modules.cloudconvert.local.formats import canonical
from modules.cloudconvert.local.operations.operation import Entry
from modules.cloudconvert.local.operations.registry import LISTED
from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.reading import included
from modules.cloudconvert.local.replies import data_reply


class AccountEndpoints:
    """Source: CloudConvert API v2, users and operations."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def show(self, request: Request) -> Response:
        return data_reply(self._parts.answers(request).user())

    async def list_operations(self, request: Request) -> Response:
        shop = await asyncio.shield(self._parts.shop)
        query, include = request.query_params, included(request)
        names = ("operation", "input_format", "output_format", "engine", "engine_version")
        filters = {name: value for name in names if (value := query.get(f"filter[{name}]"))}
        for name in {"input_format", "output_format"} & filters.keys():
            filters[name] = canonical(filters[name])

        everything = query.get("alternatives") in ("true", "1")

        def matches(entry: Entry) -> bool:
            if entry.alternative and not everything:
                return False
            return all(getattr(entry, name) == value for name, value in filters.items())

        found = (entry for operation in LISTED for entry in operation.entries(shop.inventory))
        return data_reply([operation_entry(entry, include) for entry in found if matches(entry)])
