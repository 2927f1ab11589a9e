"""A client for the store: `aio` for asyncio, `plain` for programs without a loop."""
