"""Who came for the metrics last is known, of a few clients, and of nothing else."""

from dataclasses import dataclass

from gpuwatch.exposition.scrapes import Scrape, Scrapes


@dataclass
class _Wall:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_client_is_known_by_its_latest_scrape() -> None:
    """With how often it came, the most recent first."""
    wall = _Wall()
    scrapes = Scrapes(wall)

    scrapes.note("10.0.0.5", "Prometheus/3.1.0", "/metrics", 200)
    scrapes.note("10.0.0.6", "curl/8.5", "/metrics/compat", 401)
    wall.now = 115.0
    scrapes.note("10.0.0.5", "Prometheus/3.1.0", "/metrics", 200)

    first, second = scrapes.latest()
    assert first == Scrape(
        client="10.0.0.5",
        program="Prometheus/3.1.0",
        path="/metrics",
        status=200,
        at=115.0,
        count=2,
    )
    assert (second.client, second.status, second.at) == ("10.0.0.6", 401, 100.0)


def test_a_network_is_written_as_people_write_it() -> None:
    """So that whoever replaces addresses knows it for one."""
    scrapes = Scrapes(_Wall())

    scrapes.note("2001:0db8:0000:0007", "Prometheus/3.1.0", "/metrics", 200)
    scrapes.note("2001:0db8:0000:0007", "Prometheus/3.1.0", "/metrics", 200)

    assert [one.client for one in scrapes.latest()] == ["2001:db8:0:7::/64"]


def test_pages_are_no_scrapes() -> None:
    """Nor is what stands anywhere else."""
    scrapes = Scrapes(_Wall())

    scrapes.note("10.0.0.5", "Mozilla/5.0", "/", 200)
    scrapes.note("10.0.0.5", "Mozilla/5.0", "/metricsx", 404)

    assert scrapes.latest() == ()


def test_many_clients_take_no_memory() -> None:
    """Who has not come for longest is forgotten, and a long name is cut."""
    scrapes = Scrapes(_Wall())

    for number in range(20):
        scrapes.note(f"10.0.0.{number}", "x" * 10_000, "/metrics", 200)

    kept = scrapes.latest()
    assert [one.client for one in kept] == [f"10.0.0.{number}" for number in range(19, 11, -1)]
    assert len(kept[0].program) == 100
