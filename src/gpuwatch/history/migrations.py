"""Migrations: the steps of the schema, in the order in which they were released."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. Its name is recorded; it never changes once released."""

    name: str
    statements: tuple[str, ...]


# Instants are (boot, boottime), see timeline; 0 is no board (the host) and no boot (unknown).
_FIRST = Migration(
    "0001-boards-counts-incidents",
    (
        "create table meta (key text primary key, value text not null) strict",
        """create table boots (
            number integer primary key, boot_id text not null unique, wall_offset real not null
        ) strict""",
        """create table epochs (
            number integer primary key, boot integer not null, boottime real not null,
            driver_load text not null, driver_version text not null
        ) strict""",
        "create table signals (number integer primary key, key text not null unique) strict",
        """create table boards (
            number integer primary key, serial text not null, uuid text not null,
            name text not null, part_number text not null, vbios text not null,
            inforom text not null, state text not null, gpu_index integer, pci_address text,
            module_id integer, chassis_serial text not null, slot_number integer,
            tray_index integer, first_boot integer not null, first_boottime real not null
        ) strict""",
        """create table clocks (
            board integer primary key, exposure real not null, read_boot integer not null,
            read_boottime real not null, seen_boot integer not null, seen_boottime real not null,
            unattributed integer not null
        ) strict""",
        """create table counts (
            board integer not null, counter text not null, epoch text not null,
            prior integer not null, volatile_seen integer, volatile_sum integer not null,
            aggregate_seen integer, aggregate_sum integer not null,
            good_boot integer not null, good_boottime real not null,
            primary key (board, counter)
        ) strict, without rowid""",
        """create table held (
            board integer not null, signal integer not null, value any,
            boot integer not null, boottime real not null,
            primary key (board, signal)
        ) strict, without rowid""",
        """create table changes (
            number integer primary key, board integer not null, signal integer not null,
            value any, boot integer not null, boottime real not null
        ) strict""",
        "create index changes_of_signal on changes (board, signal, number)",
        """create table incidents (
            number integer primary key, board integer not null, boot integer not null,
            boottime real not null, exposure real not null
        ) strict""",
        """create table error_signals (
            number integer primary key, incident integer not null, kind text not null,
            boot integer not null, boottime real not null, seconds_before real not null,
            seconds_after real not null, exposure real not null, memory text not null,
            count integer not null
        ) strict""",
        """create table waiting (
            number integer primary key, board integer not null, kind text not null,
            boot integer not null, boottime real not null, exposure real not null
        ) strict""",
        """create table off_bus (
            number integer primary key, board integer not null, boot integer not null,
            boottime real not null
        ) strict""",
        """create table resets (
            number integer primary key, board integer not null, boot integer not null,
            boottime real not null, evidence text not null
        ) strict""",
    ),
)

_SECOND = Migration(
    "0002-events-verdicts-flags",
    (
        """create table events (
            number integer primary key, kind text not null, source text not null,
            identity text not null, board integer not null, pci_address text not null,
            code integer, subcode text not null, detail text not null, boot integer not null,
            boottime real not null, seconds_before real not null, seconds_after real not null
        ) strict""",
        "create index events_by_identity on events (identity)",
        "create index events_of_board on events (board, kind, code, number)",
        """create table xids (
            board integer not null, kind text not null, code integer not null,
            source text not null, count integer not null, first_boot integer not null,
            first_boottime real not null, last_boot integer not null, last_boottime real not null,
            primary key (board, kind, code, source)
        ) strict, without rowid""",
        """create table kernel_log (
            number integer primary key, boot_id text not null, sequence integer not null
        ) strict""",
        """create table verdicts (
            number integer primary key, subject text not null, verdict text not null,
            reason text not null, boot integer not null, boottime real not null
        ) strict""",
        "create index verdicts_of_subject on verdicts (subject, number)",
        """create table latched (
            code text not null, subject text not null, scope text not null, urgency text not null,
            route text not null, remedy text not null, since real not null, sentence text not null,
            source text not null, evidence text not null,
            evidence_at real not null, rma text, due_seconds real,
            clears text not null, escalates text not null,
            primary key (code, subject)
        ) strict, without rowid""",
        """create table flags (
            number integer primary key, serial text not null, uuid text not null,
            code text not null, urgency text not null, sentence text not null,
            raised_at real not null, evidence_at real not null, due_at real not null,
            rma text not null, state text not null, disposition text not null,
            window_name text not null, window_start real, window_end real,
            slot_label text not null
        ) strict""",
        """create table audit (
            number integer primary key, at real not null, boot integer not null,
            boottime real not null, actor text not null, action text not null,
            subject text not null, reason text not null, before text not null, after text not null
        ) strict""",
        """create trigger audit_is_not_rewritten before update on audit
            begin select raise(abort, 'audit records are never changed'); end""",
        """create trigger audit_is_not_deleted before delete on audit
            begin select raise(abort, 'audit records are never deleted'); end""",
        """create table losses (
            number integer primary key, boot integer not null, boottime real not null,
            detail text not null
        ) strict""",
        "create table series_columns (number integer primary key, signals text not null) strict",
        """create table series (
            board integer not null, sequence integer not null, boot integer not null,
            boottime real not null, columns integer not null, data blob not null,
            primary key (board, sequence)
        ) strict, without rowid""",
    ),
)

# The exposure clock stood still in the latest blind gap: what is read late needs to know.
_THIRD = Migration(
    "0003-blind-gaps",
    (
        "alter table clocks add column gap_boot integer not null default 0",
        "alter table clocks add column gap_start real not null default 0",
        "alter table clocks add column gap_end real not null default 0",
    ),
)

# What people do with a flag, and what becomes of it.
_FOURTH = Migration(
    "0004-lives-of-flags",
    (
        "alter table flags add column state_since real not null default 0",
        "alter table flags add column outcome text not null default ''",
        "alter table flags add column acknowledged_by text not null default ''",
        "alter table flags add column acknowledged_at real",
        "alter table flags add column snoozed_until real",
        "alter table flags add column pinned integer not null default 0",
        "alter table flags add column told_late integer not null default 0",
        "alter table flags add column vendor_case text not null default ''",
        "alter table flags add column fru text not null default ''",
        "alter table flags add column slot_note text not null default ''",
        "alter table flags add column successor_serial text",
        "alter table flags add column successor_uuid text",
    ),
)

# A rule set judges what comes to be known after its installation. Databases from before this table
# were judged by version 1 from their first day.
_FIFTH = Migration(
    "0005-rule-sets",
    (
        """create table rule_sets (
            number integer primary key, version text not null, boot integer not null,
            boottime real not null
        ) strict""",
        """create table rule_starts (
            board integer primary key, boot integer not null, boottime real not null
        ) strict""",
        "insert into rule_sets select 1, '1', 0, 0.0 where exists (select 1 from boards)",
    ),
)

# How boards left, what is in their slots since, and that they came back.
_SIXTH = Migration(
    "0006-departures",
    (
        "alter table boards add column departure text not null default ''",
        "alter table boards add column successor integer",
        "alter table boards add column returned_boot integer not null default 0",
        "alter table boards add column returned_boottime real not null default 0",
    ),
)

# `insert or replace` deletes a row without its delete trigger: the row that is there stays.
_SEVENTH = Migration(
    "0007-audit-not-replaced",
    (
        """create trigger audit_is_not_replaced before insert on audit
            when exists (select 1 from audit where number = new.number)
            begin select raise(ignore); end""",
    ),
)

# What a board's links reached at best where it sits: changes alone forget it within an hour.
_EIGHTH = Migration(
    "0008-bests",
    (
        """create table bests (
            board integer not null, signal integer not null, value any not null,
            pci_address text not null, primary key (board, signal)
        ) strict, without rowid""",
    ),
)

# Which Xids a board had lately: on which days, by which processes, between which resets.
_NINTH = Migration(
    "0009-traces-of-xids",
    (
        """create table xid_traces (
            number integer primary key, board integer not null, kind text not null,
            code integer not null, process text not null, subcode text not null,
            advice text not null, count integer not null, first_boot integer not null,
            first_boottime real not null, last_boot integer not null, last_boottime real not null
        ) strict""",
    ),
)

# How far boards that came in have proved themselves, and what other hosts told of boards.
_TENTH = Migration(
    "0010-acceptances-known-boards",
    (
        """create table acceptances (
            flag integer primary key, began_at real not null, state text not null,
            candidates text not null, diagnostic text, sentence text not null, decided_at real
        ) strict""",
        """create table known_boards (
            uuid text not null, host text not null, serial text not null, document text not null,
            primary key (uuid, host)
        ) strict, without rowid""",
    ),
)

# What BMCs told: who they are, how far their logs were read, the entries, and how many there were.
# An entry is one by the digest of record, time and content; `age` is by how many seconds it is
# older than its first reading.
_ELEVENTH = Migration(
    "0011-bmcs",
    (
        """create table bmcs (
            number integer primary key, name text not null unique, serial text not null,
            firmware text not null, power integer, power_boot integer not null,
            power_boottime real not null, seen_well text not null
        ) strict""",
        """create table bmc_logs (
            number integer primary key, bmc integer not null, log text not null,
            position text not null, founded integer not null, boot integer not null,
            boottime real not null, cleared integer not null, wrapped integer not null,
            unique (bmc, log)
        ) strict""",
        """create table bmc_entries (
            number integer primary key, log integer not null, digest blob not null,
            record text not null, told_at real, topic text not null, severity text not null,
            text text not null, sensor text not null, sensor_key text not null, asserted integer,
            raw text not null, boot integer not null, boottime real not null, age real not null,
            baseline integer not null
        ) strict""",
        "create unique index bmc_entries_are_one on bmc_entries (log, digest)",
        """create table bmc_counts (
            bmc integer not null, topic text not null, severity text not null,
            count integer not null, primary key (bmc, topic, severity)
        ) strict, without rowid""",
        "alter table events add column bmc text not null default ''",
    ),
)

# What was known of a board when something happened to it; `document` is compressed JSON.
_TWELFTH = Migration(
    "0012-captures",
    (
        """create table captures (
            number integer primary key, board integer not null, occasion text not null,
            boot integer not null, boottime real not null, settled integer not null,
            document blob not null
        ) strict""",
        "create index captures_of_board on captures (board, number)",
    ),
)

MIGRATIONS = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
    _TENTH,
    _ELEVENTH,
    _TWELFTH,
)
