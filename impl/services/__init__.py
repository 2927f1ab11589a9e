"""Policies of those who use services: which endpoint, whether once more, who leads now. Pure, like the cores of the protocols.

endpoints       what can be picked, and what cannot be an endpoint
balancing/      which endpoint a request goes to
"""
