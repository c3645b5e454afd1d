"""norikv-vizd: the daemon between a running NoriKV cluster and the people who look at it.

The folders are the rooms that the data passes, in order: ``wire``, ``events``, ``ingest``, ``log``,
``state``, ``stream``, ``web``. ``docs/architecture.md`` is the guided tour.
"""

__version__ = "0.1.0"
