"""Tools: bundles from nothing, variables, counting, waiting, texts."""

from engine.module import Connector

connector = Connector(
    name="tools",
    title="Tools",
    modules={
        "basic_trigger": "modules.tools.basic_trigger:BasicTrigger",
        "set_variable": "modules.tools.set_variable:SetVariable",
        "set_variables": "modules.tools.set_variables:SetVariables",
        "get_variable": "modules.tools.get_variable:GetVariable",
        "get_variables": "modules.tools.get_variables:GetVariables",
        "increment": "modules.tools.increment:Increment",
        "sleep": "modules.tools.sleep:Sleep",
        "switch": "modules.tools.switch:Switch",
        "compose_string": "modules.tools.compose_string:ComposeString",
        "convert_encoding": "modules.tools.convert_encoding:ConvertEncoding",
    },
)
