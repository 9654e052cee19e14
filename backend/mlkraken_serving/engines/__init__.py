"""Engines: what loads a bundle and predicts. One folder entry a runtime, one small port."""
