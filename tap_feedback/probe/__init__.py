"""Settings of an unknown API, found by a few requests: what `--probe` does.

What a response shows is decided by pure functions, in `rows`, `keys`, `times`, `signs` and `numbering`; `names` has the
names that they know. `exchange` sends the requests. `access`, `lookout`, `paging`, `ends` and `filters` decide which,
and `walk` proves a paginator by reading three pages with it. `stream` and `command` put it together, and `block` writes
it down.
"""
