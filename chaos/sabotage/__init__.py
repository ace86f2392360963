"""Guards broken on purpose, in a database that nobody needs: does the suite convict?

A suite that has never failed has proved nothing. Each sabotage takes one guard away from a running
Slotkeeper, as a careless change would; the same attack with the same seed must then fail, or the
law that stopped it must be named.
"""
