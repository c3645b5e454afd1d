"""Room for as many connections as are allowed: each is a file descriptor."""

import resource

__all__ = ["make_room"]

OWN = 64
"""Beside connections: ports, libraries, gRPC's own."""


def make_room(dashboards: int, nodes: int) -> str | None:
    """Raise this process's soft limit of open files, as far as needed and allowed.

    :param dashboards: connections of HTTP that may be open at once. :param nodes: connections of gRPC, which takes no
        more than half of what there is.
    :returns: a line for the operator where the dashboards do not fit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = 2**20
    enough = OWN + dashboards + max(nodes, dashboards)
    reached = max(soft, min(enough, hard))
    if reached > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reached, hard))
    room = reached // 2 - OWN
    if dashboards <= room:
        return None
    return (
        f"only {reached} files may be open, so {max(0, room)} connections of dashboards and HTTP fit, "
        f"and {dashboards} are allowed: raise the limit (ulimit -Hn, LimitNOFILE=) or lower --max-clients"
    )
