"""BMC summary: how this host's BMCs and the other servers are, in the page's first sentences."""

from collections.abc import Iterable, Sequence

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_documents import bmc_document
from gpuwatch.exposition.bmc_views import others, own
from gpuwatch.exposition.bmc_words import trouble
from gpuwatch.exposition.words import listed, plural

_NAMED = 6
# One sentence for each verdict that some other server has: for one of them, for several.
_SENTENCES: tuple[tuple[Verdict, str, str], ...] = (
    (Verdict.DRAIN_NOW, "{} wants somebody now.", "{} want somebody now."),
    (
        Verdict.UNKNOWN,
        "{} cannot be judged: nobody knows that it is well.",
        "{} cannot be judged: nobody knows that they are well.",
    ),
    (
        Verdict.REPLACE_AT_WINDOW,
        "{} wants a part replaced at a window.",
        "{} want a part replaced at a window.",
    ),
    (
        Verdict.RESET_AT_WINDOW,
        "{} wants somebody at a window.",
        "{} want somebody at a window.",
    ),
    (Verdict.WATCH, "{} is being watched.", "{} are being watched."),
)


def watched(snapshot: Snapshot) -> str:
    """Whose the gravest verdict is: the host's, or also that of the other servers."""
    hosts = {bmc.host for bmc in others(snapshot)}
    if not hosts:
        return snapshot.hostname
    return f"{snapshot.hostname} and {plural(len(hosts), 'other server')}"


def bmc_sentences(snapshot: Snapshot) -> list[str]:
    """Which of this host's BMCs do not answer, and how the other servers are."""
    silent = (bmc for bmc in own(snapshot) if bmc.trouble is not None)
    return [*(_silence(snapshot, bmc) for bmc in silent), *_servers(others(snapshot))]


def _silence(snapshot: Snapshot, bmc: BmcState) -> str:
    return f"BMC {bmc.name} {trouble(bmc_document(snapshot, bmc, entries=0))}."


def _servers(far: Sequence[BmcState]) -> list[str]:
    if not far:
        return []
    sentences = []
    for verdict, of_one, of_several in _SENTENCES:
        hosts = tuple(dict.fromkeys(bmc.host for bmc in far if bmc.verdict is verdict))
        if hosts:
            sentences.append((of_one if len(hosts) == 1 else of_several).format(_some(hosts)))
    everyone = {bmc.host for bmc in far}
    ill = {bmc.host for bmc in far if bmc.verdict is not Verdict.HEALTHY}
    healthy = len(everyone) - len(ill)
    return [*sentences, f"{healthy} of {plural(len(everyone), 'other server')} healthy."]


def _some(hosts: Iterable[str]) -> str:
    """The first few by name, and how many more."""
    names = tuple(hosts)
    more = len(names) - _NAMED
    return listed(names if more <= 0 else (*names[:_NAMED], f"{more} more"))
