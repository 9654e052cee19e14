"""The control plane of ML-Kraken: models, versions, services, and who may do what.

Floors, each importing only those above it::

    _errors, values, checks
    lifecycle       what a service does next (pure)
    ports           what the outside must be able to do
    usecases        what a user can do
    wire, auth      documents and credentials
    routes          HTTP in front of the use cases
    adapters        the outside itself: SQLite, files, processes
    settings, mains
"""
