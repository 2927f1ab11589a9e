"""Policies of those who use services: which endpoint, whether once more, who leads now. Pure, like the cores of the protocols.

endpoints       what can be picked, and what cannot be an endpoint
balancing/      which endpoint a request goes to
health          which endpoints are to be avoided: checks, outliers, circuit breakers, draining; the weight of a slow start
passive         failures counted as nginx counts them, in the place of a circuit breaker
warming         the slow start of a client's endpoints
retry budgets hedging    once more: whether, when, how many in all; or at once, elsewhere
failover        who leads now: hints, leases, fencing tokens, priorities
keepalive       a session that outlives errors, and a while without a server
recovery        coming back: supervision, one owner of a folder, sessions
clock           time, as policies are told it
client events   all of it put together for asyncio, around whatever speaks to an endpoint; what it decides, and why
allowance       the budgets, asked in one way
httpx grpc metrics    for httpx, for grpc.aio, for Prometheus (extras `http`, `grpc`, `metrics`)
simulation virtual    nodes that fail, slow down and pause, in virtual time
"""
