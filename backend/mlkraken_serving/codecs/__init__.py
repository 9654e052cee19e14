"""Bytes and JSON to values and back; no codec knows HTTP, batching or engines."""
