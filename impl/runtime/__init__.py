"""What runs a core in a process of its own: sockets, disks, clocks, and the supervision of the processes of a cluster."""
