"""An embedded server that speaks CloudConvert's API v2 and converts with local engines."""
