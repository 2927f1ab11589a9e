"""Why the store's promises hold, for any number of clients and revisions."""
