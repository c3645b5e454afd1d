"""How fast the daemon is: each figure a ratio to a reference that did the same work in the same run.

``python -m bench`` runs all of it. References are processes of their own, in ``references``; the clients that they and
the daemon serve are the same, in ``crowd``. Servers have a core to themselves where there are two.
"""
