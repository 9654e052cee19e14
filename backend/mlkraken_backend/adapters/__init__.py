"""The outside itself. Nothing but a main names what is in here."""
