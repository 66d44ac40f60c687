"""capture-website: refused with the reason, and in no list of what can be done.

A page's scripts decide what is fetched while it is drawn, and no engine here keeps them away from
the addresses of this network.
"""

from typing import Literal

from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import (
    Operation,
    Outcome,
    ProcessingFields,
    RequiredText,
    Work,
)
from modules.cloudconvert.local.refusal import Refusal, TaskFailure

MISSING = (
    "Capturing websites needs the engine chrome, which the embedded server does not have: use a "
    "connection to CloudConvert for it."
)


class CaptureFields(ProcessingFields):
    url: RequiredText
    output_format: Literal["pdf", "png", "jpg"]


def _check(_fields: CaptureFields, _inventory: Inventory) -> None:
    raise Refusal(422, "ENGINE_MISSING", MISSING, {"operation": [MISSING]})


async def _run(_work: Work) -> Outcome:
    raise TaskFailure("ENGINE_MISSING", MISSING)


CAPTURE_WEBSITE = Operation(
    name="capture-website", fields=CaptureFields, run=_run, takes_input=False, check=_check
)
