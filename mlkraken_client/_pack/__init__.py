"""Make a bundle of a model: what it is, what it needs, what it answered here."""

from mlkraken_client._pack._bundle import Bundle, digest_of, pack, read_bundle
from mlkraken_client._pack._compiled import told as told_of_compiling

__all__ = ["Bundle", "digest_of", "pack", "read_bundle", "told_of_compiling"]
