"""Redfish logs: entries of event logs as the child tells them, made the domain's. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic

Row = Mapping[str, Any]

_SEVERITIES = {
    "Critical": LogSeverity.CRITICAL,
    "Fatal": LogSeverity.CRITICAL,
    "Warning": LogSeverity.WARNING,
}
_CODES = {"Assert": True, "Deassert": False}
_SENSOR_TYPES = {
    "Temperature": LogTopic.THERMAL,
    "Fan": LogTopic.THERMAL,
    "Cooling Device": LogTopic.THERMAL,
    "Voltage": LogTopic.POWER,
    "Current": LogTopic.POWER,
    "Power Unit": LogTopic.POWER,
    "Power Supply / Converter": LogTopic.POWER,
    "Processor": LogTopic.PROCESSOR,
    "Memory": LogTopic.MEMORY,
    "Critical Interrupt": LogTopic.PCIE,
}
# By what an entry speaks of, the first that fits.
_WORDS = tuple(
    (re.compile(words, re.IGNORECASE), topic)
    for words, topic in (
        (r"\bs?xid\b|gpu|nv ?switch|nv ?link|hgx_gpu", LogTopic.GPU),
        (r"power ?suppl|\bpsu|powersubsystem", LogTopic.POWER),
        (r"dimm|memory|\becc\b", LogTopic.MEMORY),
        (r"\bpcie?\b|pcie|\baer\b|\bbus (fatal|uncorrectable|correctable)", LogTopic.PCIE),
        (r"temperature|thermal|\bfans?\b|fan\d|cooling|overheat", LogTopic.THERMAL),
        (r"processor|\bcpus?\b|cpu\d|machine check|\bmce\b|\bierr\b", LogTopic.PROCESSOR),
        (r"power|voltage|\bac lost\b|redundancy|\bvrm?\b", LogTopic.POWER),
    )
)


def entry_of(log: str, row: Row) -> LogEntry:
    """One entry. Raises KeyError, TypeError or ValueError for what is none."""
    origin, written = str(row["origin"]), row["written"]
    arguments = [str(each) for each in row["arguments"]]
    named = " ".join([str(row["message_id"]), *arguments]).strip()
    return LogEntry(
        log=log,
        record=str(row["record"]),
        told_at=None if written is None else float(written),
        topic=topic_of(row),
        severity=_SEVERITIES.get(str(row["severity"]), LogSeverity.INFO),
        text=str(row["message"]) or named,
        sensor=origin.rpartition("/")[2],
        sensor_key=origin,
        asserted=_CODES.get(str(row["code"])),
        raw=json.dumps(row, sort_keys=True, separators=(",", ":")),
    )


def topic_of(row: Row) -> LogTopic:
    """By the type of its sensor, where it has one; else by where it comes from and what it says."""
    said = (str(row["origin"]), *map(str, row["arguments"]), str(row["message"]))
    spoken = " ".join((*said, str(row["message_id"])))
    gpus, topic = _WORDS[0]
    if gpus.search(spoken):
        return topic
    if row["sensor_type"] in _SENSOR_TYPES:
        return _SENSOR_TYPES[str(row["sensor_type"])]
    return next((topic for words, topic in _WORDS if words.search(spoken)), LogTopic.OTHER)
