"""Clusters that run, tortured: real processes, disks and sockets, faults drawn from a seed, and what clients saw decided.

served      a node's process, in which a bug may be planted
proxy       what stands between nodes and lets pass what it should
clients     what clients do, and the history of it
nemesis     what goes wrong, drawn from a seed
torture     all of it: run, decided, followed, drawn
"""
