"""The model server beside its peers, its limits, and itself over a million queries."""
