"""What a user can do, without HTTP and without knowing where anything is kept."""
