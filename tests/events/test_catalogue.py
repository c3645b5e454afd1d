"""The catalogue and the proto say the same."""

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from twisted.trial.unittest import TestCase

from vizd.events.catalogue import KINDS, OWNER, TYPES, TYPES_BY_NAME, EventClass, Field
from vizd.wire.vizd_pb2 import ShardKind, SwimKind, VizEvent

PROTO_TYPES = {
    "u8": FieldDescriptor.TYPE_UINT32,
    "u32": FieldDescriptor.TYPE_UINT32,
    "u64": FieldDescriptor.TYPE_UINT64,
    "f32": FieldDescriptor.TYPE_FLOAT,
    "f64": FieldDescriptor.TYPE_DOUBLE,
    "bool": FieldDescriptor.TYPE_BOOL,
    "string": FieldDescriptor.TYPE_STRING,
    "reason": FieldDescriptor.TYPE_ENUM,
}
ARMS = VizEvent.DESCRIPTOR.oneofs_by_name["event"].fields
BY_NAME = {str(kind): kind for kind in KINDS}


def declared(message: Descriptor, without: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Names and types of a message's own fields, in order of their numbers."""
    fields = sorted(message.fields, key=lambda each: each.number)
    return [(each.name, each.type) for each in fields if each.containing_oneof is None and each.name not in without]


def listed(fields: tuple[Field, ...]) -> list[tuple[str, int]]:
    return [(each.proto, PROTO_TYPES[each.width]) for each in fields]


class CatalogueAndProto(TestCase):
    def test_there_are_33_kinds_of_8_types(self) -> None:
        self.assertEqual(len(TYPES), 8)
        self.assertEqual(len(KINDS), 33)
        self.assertEqual(len(BY_NAME), 33)

    def test_every_arm_of_an_event_is_a_type_and_every_type_an_arm_in_the_same_order(self) -> None:
        self.assertEqual([each.arm for each in TYPES], [arm.name for arm in sorted(ARMS, key=lambda arm: arm.number)])

    def test_every_arm_of_a_kind_is_a_kind_and_every_kind_an_arm_in_the_same_order(self) -> None:
        checked = 0
        for event_type, arm in zip(TYPES, ARMS, strict=True):
            oneof = arm.message_type.oneofs_by_name.get("kind")
            if oneof is not None:
                arms = [each.name for each in sorted(oneof.fields, key=lambda each: each.number)]
                self.assertEqual([kind.proto_name for kind in event_type.kinds], arms, event_type.name)
                checked += len(arms)
        self.assertEqual(checked, 23)

    def test_every_value_of_the_two_enums_is_a_kind_and_the_other_way_round(self) -> None:
        for name, enum in (("Swim", SwimKind), ("Shard", ShardKind)):
            [event_type] = [each for each in TYPES if each.name == name]
            prefix = f"{name.upper()}_KIND_"
            kinds = [f"{prefix}{kind.proto_name.upper()}" for kind in event_type.kinds]
            self.assertTrue(event_type.bare)
            self.assertEqual([f"{prefix}UNSPECIFIED", *kinds], enum.keys())

    def test_the_fields_of_a_type_are_those_of_its_message_in_order(self) -> None:
        for event_type, arm in zip(TYPES, ARMS, strict=True):
            kindless = () if not event_type.bare else ("kind",)
            fields = [*event_type.fields, *(() if event_type.kinds[0].name else event_type.kinds[0].fields)]
            self.assertEqual(listed(tuple(fields)), declared(arm.message_type, kindless), event_type.name)

    def test_the_fields_of_a_kind_are_those_of_its_message_in_order(self) -> None:
        checked = 0
        for event_type, arm in zip(TYPES, ARMS, strict=True):
            for kind in event_type.kinds:
                if event_type.bare or not kind.name:
                    self.assertEqual(kind.fields, ())
                    continue
                message = arm.message_type.fields_by_name[kind.proto_name].message_type
                self.assertEqual(listed(kind.fields), declared(message), str(kind))
                checked += 1
        self.assertEqual(checked, 23)

    def test_a_field_has_another_name_in_json_only_where_python_forbids_it(self) -> None:
        fields = [field for kind in KINDS for field in (*kind.type.fields, *kind.fields)]
        self.assertEqual(
            {(each.name, each.proto) for each in fields if each.name != each.proto}, {("from", "from_node")}
        )

    def test_exactly_the_eight_bit_fields_of_the_node_are_checked_for_their_width(self) -> None:
        self.assertEqual(
            {f"{kind}.{field.name}" for kind in KINDS for field in kind.fields if field.width == "u8"}
            | {f"{each.name}.{field.name}" for each in TYPES for field in each.fields if field.width == "u8"},
            {
                "Compaction.level",
                "Compaction.Progress.pct",
                "Lsm.GuardAdjustment.level",
                "SlotHeat.level",
                "SlotHeat.k",
            },
        )


class Names(TestCase):
    def test_proto_names_split_words_and_keep_digits_with_their_letter(self) -> None:
        self.assertEqual(BY_NAME["Lsm.L0Stall"].proto_name, "l0_stall")
        self.assertEqual(BY_NAME["Lsm.L0AdmissionComplete"].proto_name, "l0_admission_complete")
        self.assertEqual(BY_NAME["Shard.SnapshotDone"].proto_name, "snapshot_done")
        self.assertEqual(BY_NAME["Wal.Fsync"].proto_name, "fsync")

    def test_summaries_count_in_the_order_of_the_wire_contract(self) -> None:
        self.assertEqual(
            [each.count for each in TYPES], ["wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "heat"]
        )
        self.assertEqual([each.index for each in TYPES], list(range(8)))

    def test_a_filter_may_call_slot_heat_by_two_names_and_every_other_type_by_one(self) -> None:
        self.assertEqual(set(TYPES_BY_NAME), {each.name.lower() for each in TYPES} | {"heat"})
        self.assertIs(TYPES_BY_NAME["heat"], TYPES_BY_NAME["slotheat"])


class Classes(TestCase):
    """What docs say of each kind, said once more, so that a slip in the table is seen."""

    def of_class(self, event_class: EventClass) -> set[str]:
        return {str(kind) for kind in KINDS if kind.event_class is event_class}

    def test_transitions_are_the_clusters_state(self) -> None:
        self.assertEqual(
            self.of_class(EventClass.TRANSITION),
            {"Wal.CorruptionTruncated", "Raft.LeaderElected", "Raft.StepDown"}
            | {"Swim.Alive", "Swim.Suspect", "Swim.Confirm", "Swim.Leave"}
            | {"Shard.Plan", "Shard.SnapshotStart", "Shard.SnapshotDone", "Shard.Cutover"},
        )

    def test_gauges_are_readings(self) -> None:
        self.assertEqual(
            self.of_class(EventClass.GAUGE),
            {"Wal.Fsync", "Compaction.BanditSelection", "Compaction.BanditReward", "Lsm.WritePressureUpdate"}
            | {"Cache", "SlotHeat"},
        )

    def test_phases_are_life_cycles(self) -> None:
        self.assertEqual(
            self.of_class(EventClass.PHASE),
            {"Compaction.Scheduled", "Compaction.Start", "Compaction.Progress", "Compaction.Finish"}
            | {"Lsm.FlushStart", "Lsm.FlushComplete", "Lsm.L0Stall", "Lsm.GuardAdjustment"},
        )

    def test_the_rest_is_log(self) -> None:
        self.assertEqual(
            self.of_class(EventClass.LOG),
            {"Wal.SegmentRoll", "Wal.SegmentGc", "Compaction.GuardRebalance", "Lsm.FlushTriggered"}
            | {"Lsm.L0AdmissionStart", "Lsm.L0AdmissionComplete", "Raft.VoteReq", "Raft.VoteGranted"},
        )

    def test_exactly_the_events_of_class_log_have_no_key(self) -> None:
        self.assertEqual({str(kind) for kind in KINDS if not kind.key}, self.of_class(EventClass.LOG))

    def test_keys_are_as_the_table_says(self) -> None:
        keys = {
            "node shard": "Wal.Fsync Wal.CorruptionTruncated Lsm.FlushStart Lsm.FlushComplete Lsm.L0Stall"
            " Lsm.WritePressureUpdate",
            "node shard level": "Compaction.Scheduled Compaction.Start Compaction.Progress Compaction.Finish"
            " Lsm.GuardAdjustment",
            "node shard level slot_id": "Compaction.BanditSelection Compaction.BanditReward",
            "shard": "Raft.LeaderElected Raft.StepDown Shard.Plan Shard.SnapshotStart Shard.SnapshotDone Shard.Cutover",
            "node": "Swim.Alive Swim.Suspect Swim.Confirm Swim.Leave",
            "publisher name": "Cache",
            "node shard level slot": "SlotHeat",
        }
        expected = {name: tuple(key.split()) for key, names in keys.items() for name in names.split()}
        self.assertEqual({str(kind): kind.key for kind in KINDS if kind.key}, expected)

    def test_a_key_names_fields_of_the_event_or_what_every_event_has(self) -> None:
        for kind in KINDS:
            fields = {field.name for field in (*kind.type.fields, *kind.fields)} | {"shard", "publisher"}
            self.assertLessEqual(set(kind.key), fields, str(kind))

    def test_only_five_groups_of_kinds_replace_each_other(self) -> None:
        lives: dict[tuple[str, str], set[str]] = {}
        for kind in KINDS:
            lives.setdefault((kind.type.name, kind.life), set()).add(kind.name)
        self.assertCountEqual(
            [sorted(group) for group in lives.values() if len(group) > 1],
            [
                ["Finish", "Progress", "Scheduled", "Start"],
                ["FlushComplete", "FlushStart"],
                ["LeaderElected", "StepDown"],
                ["Alive", "Confirm", "Leave", "Suspect"],
                ["Cutover", "Plan", "SnapshotDone", "SnapshotStart"],
            ],
        )

    def test_engine_events_take_their_shard_from_the_node_and_no_others(self) -> None:
        self.assertEqual([each.name for each in TYPES if each.shard == OWNER], ["Wal", "Compaction", "Lsm", "SlotHeat"])
        self.assertEqual([each.name for each in TYPES if each.shard == "shard"], ["Raft", "Shard"])
        self.assertEqual([each.name for each in TYPES if not each.shard], ["Swim", "Cache"])
