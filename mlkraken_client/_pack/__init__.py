"""Make a bundle of a model: what it is, what it needs, what it answered here."""

from mlkraken_client._pack._bundle import Bundle, digest_of, pack, read_bundle

__all__ = ["Bundle", "digest_of", "pack", "read_bundle"]
