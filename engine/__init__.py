"""The scenario engine. Layers, lowest first: errors, model, module, mapping, plan, run, store."""
