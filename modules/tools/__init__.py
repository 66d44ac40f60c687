"""Tools: bundles from nothing, and variables."""

from engine.module import Connector

connector = Connector(
    name="tools",
    title="Tools",
    modules={
        "basic_trigger": "modules.tools.basic_trigger:BasicTrigger",
        "set_variables": "modules.tools.set_variables:SetVariables",
        "get_variables": "modules.tools.get_variables:GetVariables",
    },
)
