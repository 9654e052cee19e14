"""One model behind one port: the model server of ML-Kraken.

Floors, each importing only those above it::

    _errors
    _manifest, _values
    codecs          bytes and JSON  <->  values
    _batching       who is predicted together (no I/O)
    engines         load a bundle, predict
    _parity         the notebook's own answers, checked again
    _core           one query, whatever its protocol
    protocols       wire formats in front of the core
    _records, _metrics, _auth, _server
    _main
"""
