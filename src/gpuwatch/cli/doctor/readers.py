"""Readers: looks at the clock, the port, and whether Prometheus comes for the metrics."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpuwatch.cli.doctor.answers import Answer, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene
from gpuwatch.clock import SystemClock
from gpuwatch.exposition.listen import Address
from gpuwatch.exposition.words import plural

_LISTENING = "0A"  # TCP_LISTEN, include/net/tcp_states.h
_SCRAPED_WITHIN = 600.0  # seconds; longer than any scrape interval in use
_CERTIFICATE_DAYS, _CERTIFICATE_PART = 14.0, 15
_DAY = 86_400.0
_GOOD = 200
_NO_TARGETS = "gpuwatch runbook no-targets"
# Who says so comes again; a person with curl need not.
_SCRAPERS = (
    "Prometheus/",
    "vmagent",
    "VictoriaMetrics",
    "Alloy/",
    "GrafanaAgent/",
    "OpenTelemetry",
)
_LOCAL = ("127.0.0.1", "::1", "localhost")


def look_at_clock(scene: Scene) -> Iterator[Answer]:
    """Whether it is synchronised: the agent's word, else what is told to us."""
    status = scene.told["snapshot"]["status"] if scene.told else None
    synchronized = status["clock_synchronized"] if status else None
    if synchronized is None:
        synchronized = SystemClock().synchronized()
    steps = status["clock_steps"] if status else 0
    yield clock_answer(synchronized, steps)


def clock_answer(synchronized: bool | None, steps: int) -> Answer:
    """What that word means."""
    stepped = f"; it has stepped {plural(steps, 'time')} since the agent started" if steps else ""
    if synchronized is None:
        found = f"neither the kernel nor a service tells whether it is synchronised{stepped}"
        return unknown("clock", found, "systemd/20-clock.conf lets the agent ask; timedatectl")
    if not synchronized:
        remedy = "chronyc tracking or timedatectl; gpuwatch runbook clock-unsynchronized"
        return problem("clock", f"it is not synchronised{stepped}", remedy)
    return ok("clock", f"synchronised{stepped}")


def look_at_port(scene: Scene) -> Iterator[Answer]:
    """Whether the agent's port is served, and by nobody else."""
    written = scene.settings.web.listen_addresses
    if scene.told is not None:
        yield served_answer(scene, scene.told["listening"], scene.told["web"])
        return
    if not scene.is_alone:
        yield unknown("port", *scene.untold)
        return
    taken = sorted({Address.parse(text).port for text in written} & listening(scene.proc))
    if taken:
        ports = ", ".join(map(str, taken))
        yield problem(
            "port",
            f"no agent runs, and somebody else listens on {ports}",
            f"sudo ss -ltnp 'sport = :{taken[0]}' tells who; or set web.listen_addresses",
        )
    else:
        yield ok("port", f"free for the agent: {', '.join(written)}")


def served_answer(scene: Scene, ports: list[int], web: Mapping[str, Any]) -> Answer:
    """The port of an agent that runs."""
    ports_told = ", ".join(dict.fromkeys(map(str, ports)))
    found = f"listens on port {ports_told}"
    if web["config_failing"]:
        remedy = "gpuwatch check-config says what is wrong; gpuwatch runbook web-config-failing"
        return problem("port", f"{found}, by an older file than that on the disk", remedy)
    begins, ends = web["valid_from"], web["valid_until"]
    if ends is not None and ends - scene.now < _least_left(begins, ends):
        until = f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M} UTC"
        return problem(
            "port",
            f"{found}; its certificate ends {until}",
            "renew it: gpuwatch runbook certificate-expiring",
        )
    how = "plain HTTP" if ends is None else "TLS"
    hosts = {Address.parse(text).host for text in scene.settings.web.listen_addresses}
    loopback = ", of this host only" if hosts <= set(_LOCAL) else ""
    crowded = web["crowded_out"]
    turned = f"; {plural(crowded, 'connection')} turned away for others" if crowded else ""
    return ok("port", f"{found}{loopback}, {how}{turned}")


def _least_left(begins: float | None, ends: float) -> float:
    """How many seconds a certificate should have left, as the alert has it: a part of its time."""
    most = _CERTIFICATE_DAYS * _DAY
    return most if begins is None else min((ends - begins) / _CERTIFICATE_PART, most)


def listening(proc: Path) -> frozenset[int]:
    """The TCP ports on which somebody listens in this network namespace (proc_net_tcp)."""
    ports = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENING:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(ports)


def look_at_prometheus(scene: Scene) -> Iterator[Answer]:
    """Whether anybody has asked for the metrics lately, and was answered."""
    if scene.told is None:
        nobody = "no agent runs that it could ask", "first the agent"
        yield unknown("prometheus", *(nobody if scene.is_alone else scene.untold))
        return
    told = scene.told
    yield prometheus_answer(told["scrapes"], told["at"], told["at"] - told["started_at"])


def prometheus_answer(scrapes: list[dict[str, Any]], now: float, up_seconds: float) -> Answer:
    """What the latest scrapes mean; the newest stands first."""
    answered = [one for one in scrapes if one["status"] == _GOOD]
    lately = [one for one in answered if now - one["at"] <= _SCRAPED_WITHIN]
    refused = [one for one in scrapes if one["status"] != _GOOD]
    steady = [one for one in lately if one["count"] > 1 or one["program"].startswith(_SCRAPERS)]
    if steady:
        others = len(steady) - 1
        more = f"; {plural(others, 'other client')} too" if others else ""
        return ok("prometheus", f"{_told(steady[0], now)}{more}")
    if lately:
        found = f"only once: {_told(lately[0], now)}"
        return unknown("prometheus", found, "ask again in two minutes, or see its targets")
    if refused and now - refused[0]["at"] <= _SCRAPED_WITHIN:
        remedy = (
            "give it the user and password, or certificate, that the port asks for: docs/tls.md"
        )
        return problem("prometheus", f"refused: {_told(refused[0], now)}", remedy)
    if answered:
        found = f"nobody has asked for {_age(now - answered[0]['at'])}: {_told(answered[0], now)}"
        return problem("prometheus", found, _NO_TARGETS)
    if up_seconds < _SCRAPED_WITHIN:
        found = f"nobody has asked for /metrics in the {_age(up_seconds)} since the start"
        return unknown("prometheus", found, "ask again in ten minutes")
    found = f"nobody has asked for /metrics in the {_age(up_seconds)} since the start"
    return problem("prometheus", found, _NO_TARGETS)


def _told(one: Mapping[str, Any], now: float) -> str:
    """Who asked for what and when; how often from the second time on."""
    who = one["program"] or "a client without a name"
    status = "" if one["status"] == _GOOD else f", status {one['status']}"
    often = f", {one['count']:,} times" if one["count"] > 1 else ""
    return f"{one['path']} by {who} at {one['client']}, {_age(now - one['at'])} ago{status}{often}"


def _age(seconds: float) -> str:
    """A duration as people say it."""
    for unit, length in (("day", _DAY), ("hour", 3_600.0), ("minute", 60.0)):
        if seconds >= length:
            return plural(int(seconds // length), unit)
    return plural(max(int(seconds), 0), "second")
