"""What runs the cores: processes, disks and sockets. The host of `ratified.impl.contract`, all of it.

replica         what a running node is to those who serve its clients
hosted          the protocols that can be run: their types, and what is asked of their cores
node asking peers    a node: its core, who waits for answers, whom it is connected with
codec wire links     messages as bytes; frames and greetings; connections
storage folder       what is durable; whose folder it is
trace clock     what a node did, for `ratified trace`, and the stamps by which several are one run
settings tls certificates errors    what a node is to be, and what can be wrong with that
services serve observing    what it serves; as a process; health and metrics
remote cluster  a node from afar; a cluster on this machine, supervised

docs/cluster.md is for those who run it; extra `serve`.
"""
