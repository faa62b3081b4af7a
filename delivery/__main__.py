"""Main: the command line of the build, `python -m delivery`."""

import argparse
import sys
from pathlib import Path

from delivery import audit, configuration, distribution, licences, site
from delivery.contents import Format
from delivery.places import PACKAGING, ROOT, DeliveryError
from delivery.targets import MINORS, Architecture


def main(words: list[str]) -> int:
    """Do what the words ask for; 1 where something is missing, which standard error tells."""
    arguments = _parser().parse_args(words)
    try:
        return int(_COMMANDS[arguments.command](arguments))
    except DeliveryError as error:
        print(f"delivery: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery", description="Builds packages.")
    commands = parser.add_subparsers(dest="command", required=True)
    dist = commands.add_parser("dist", help="build everything that users install")
    dist.add_argument("--into", type=Path, default=ROOT / "dist", help="the folder, emptied first")
    dist.add_argument("--python", choices=MINORS, action="append", help="this minor only")
    dist.add_argument("--architecture", type=Architecture, action="append", help="this one only")
    dist.add_argument("--format", type=Format, action="append", help="packages of this format only")
    dist.add_argument("--release", type=int, default=1, help="counts rebuilds of one version")
    dist.add_argument("--no-bundle", action="store_true", help="no bundle for air gaps")
    commands.add_parser("configuration", help="write packaging/gpuwatch.toml")
    commands.add_parser("licences", help="write docs/licences.md")
    pages = commands.add_parser("site", help="the documents as pages that need no network")
    pages.add_argument("--into", type=Path, default=ROOT / "dist" / "site", help="made anew")
    commands.add_parser("audit", help="ask the index for known vulnerabilities")
    return parser


def _dist(arguments: argparse.Namespace) -> int:
    wish = distribution.Wish(
        minors=arguments.python or MINORS,
        architectures=arguments.architecture or tuple(Architecture),
        formats=arguments.format or tuple(Format),
        bundle=not arguments.no_bundle,
        release=arguments.release,
    )
    for path in distribution.build(wish, arguments.into):
        print(f"{path.stat().st_size:>10}  {path}")
    return 0


def _configuration(_: argparse.Namespace) -> int:
    (PACKAGING / "gpuwatch.toml").write_text(configuration.defaults(), encoding="utf-8")
    return 0


def _licences(_: argparse.Namespace) -> int:
    (ROOT / "docs" / "licences.md").write_text(licences.markdown(), encoding="utf-8")
    return 0


def _site(arguments: argparse.Namespace) -> int:
    print(f"{site.build(arguments.into)} pages in {arguments.into}")
    return 0


def _audit(_: argparse.Namespace) -> int:
    return audit.audit()


_COMMANDS = {
    "dist": _dist,
    "configuration": _configuration,
    "licences": _licences,
    "site": _site,
    "audit": _audit,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
