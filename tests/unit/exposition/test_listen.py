"""Listen: addresses as people write them."""

import pytest

from gpuwatch.exposition.listen import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9853", "127.0.0.1", 9853),
        (":9853", "", 9853),
        ("[::1]:0", "::1", 0),
        ("gpu-node-17:9853", "gpu-node-17", 9853),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, host: str, port: int) -> None:
    """Host and port, brackets around IPv6."""
    address = Address.parse(text)

    assert (address.host, address.port) == (host, port)
    assert str(address) == text


@pytest.mark.parametrize("text", ["9853", "host", "host:", "host:port", "host:99999", "::1:9853"])
def test_what_is_no_address_is_refused_with_the_way_out(text: str) -> None:
    """The text names what was written and how to write it."""
    with pytest.raises(ValueError, match="is no address: write"):
        Address.parse(text)
