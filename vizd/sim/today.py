"""What real nodes emit as of today, and under which numbers: less than what the protocol has.

From nodes come all of Wal, Lsm and SlotHeat; of Compaction what its loop says, which knows no schedule and no
progress; of Raft only who was elected. Swim, Shard and Cache are not wired up yet. A node's engines carry a hash
of its name as the node's number, and ``LeaderElected`` one of the name of its Raft server, which is another for
each shard: the two never match.
"""

from zlib import crc32

from vizd.wire.vizd_pb2 import VizEvent

__all__ = ["is_emitted", "number_of", "raft_number_of"]

_COMPACTION_KINDS = {"start", "finish", "bandit_selection", "bandit_reward", "guard_rebalance"}


def is_emitted(event: VizEvent) -> bool:
    """Whether a real node would say such a thing."""
    arm = event.WhichOneof("event")
    if arm == "compaction":
        return event.compaction.WhichOneof("kind") in _COMPACTION_KINDS
    if arm == "raft":
        return event.raft.HasField("leader_elected")
    return arm in ("wal", "lsm", "slot_heat")


def number_of(node_name: str) -> int:
    """The number of a node as its engines have it: CRC-32 of the name.

    Real nodes take 32 bits of Rust's hasher; any hash that stays the same shows the same to who looks on.
    """
    return crc32(node_name.encode())


def raft_number_of(node_name: str, shard: int) -> int:
    """The number of a node as its Raft server for ``shard`` has it: CRC-32 of ``name-shardN``."""
    return crc32(f"{node_name}-shard{shard}".encode())
