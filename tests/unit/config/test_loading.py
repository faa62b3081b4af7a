"""Layers become settings, or all that is wrong with them."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.config.layers import Layers, take_document, take_environment, take_options
from gpuwatch.config.loading import ConfigError, Loaded, check

FILE = "gpuwatch.toml"
WINDOW = '[[windows]]\nname = "sunday"\ncron = "0 2 * * sun"\nduration = "2h"\n'
ONCE = '[[windows]]\nname = "x"\nstart = "2026-03-15T02:00"\n'
DURATION = 'is not a duration (write a number with its unit, such as "10s", "5m", "1h30m" or "14d")'
ADDRESS = 'is not an address to listen on (write "HOST:PORT", "[IPV6]:PORT" or ":PORT")'
BASE = (
    'is not the beginning of an address (write "https://HOST/PATH"; no user, no "?" and no "#",'
    " because /CODE is appended)"
)
RELATIVE = "is not an absolute path (the agent's working directory is not yours)"


def _layers(
    toml: str = "", environment: Mapping[str, str] | None = None, options: tuple[str, ...] = ()
) -> Layers:
    layers = Layers()
    take_document(layers, tomllib.loads(toml), FILE)
    take_environment(layers, environment or {})
    take_options(layers, options)
    return layers


def _refusal(layers: Layers) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        check(layers)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ('[nvml]\nfast = "1s"', 'nvml.fast = "1s" is below "2s" (that is the least)'),
        ('[nvml]\nfast = "61m"', 'nvml.fast = "1h1m" is above "1h" (that is the most)'),
        (
            "[nvml]\nfast = 10",
            'nvml.fast = 10 is a number without its unit (write "10s" if seconds are meant)',
        ),
        ('[nvml]\nfast = "10 seconds"', f'nvml.fast = "10 seconds" {DURATION}'),
        ("[nvml]\nfast = true", f"nvml.fast = true {DURATION}"),
        (
            '[nvml]\nfast = "2m"\nslow = "90s"',
            (
                'nvml.slow = "90s" is shorter than nvml.fast (2m);'
                " it asks less often, so make it at least as long"
            ),
        ),
        (
            '[nvml]\nretry_after = ["1m", "5s"]',
            (
                'nvml.retry_after = ["1m", "5s"] tries a GPU that hung again within 10s;'
                " make each pause at least that long"
            ),
        ),
        ("[nvml]\nretry_after = []", "nvml.retry_after = [] is empty (write at least one)"),
        (
            '[nvml]\nenabled = "yes"',
            'nvml.enabled = "yes" is neither true nor false (write one of them, without quotes)',
        ),
        (
            "[nvml]\nexpected_gpus = 2.5",
            "nvml.expected_gpus = 2.5 is not a whole number (write digits, without quotes)",
        ),
        (
            "[nvml]\nmax_unkillable = 0",
            "nvml.max_unkillable = 0 is below 1 (that is the least)",
        ),
        ('[nvml]\nsysfs = "sys"', f'nvml.sysfs = "sys" {RELATIVE}'),
        ("[nvml]\nfats = 1", "nvml.fats is no setting (did you mean nvml.fast?)"),
        ("[nvlm]", "nvlm is no setting (did you mean nvml?)"),
        (
            "[host]\ncolour = 1",
            "host.colour is no setting (there are: site, row, rack, unit, fru)",
        ),
        ("nvml = 3", "nvml is not a section (write its keys below [its name])"),
        ("[host]\nrack = 12", "host.rack = 12 is not a text (put it in quotes)"),
        (
            '[host]\nfru = "card"',
            (
                "host.fru = \"card\" is none of '', 'module', 'baseboard', 'tray' or 'server'"
                " (write one of them)"
            ),
        ),
        (
            '[log]\nformat = "xml"',
            (
                "log.format = \"xml\" is none of 'auto', 'journal', 'console' or 'json'"
                " (write one of them)"
            ),
        ),
        ('[web]\nlisten_addresses = ["host"]', f'web.listen_addresses = "host" {ADDRESS}'),
        ('[web]\nlisten_addresses = [":70000"]', f'web.listen_addresses = ":70000" {ADDRESS}'),
        ('[web]\nrunbook_url = "wiki"', f'web.runbook_url = "wiki" {BASE}'),
        ('[web]\nrunbook_url = "ftp://h/x"', f'web.runbook_url = "ftp://h/x" {BASE}'),
        ('[web]\nrunbook_url = "https://"', f'web.runbook_url = "https://" {BASE}'),
        ('[web]\nrunbook_url = "https://a:b@h"', f'web.runbook_url = "https://a:b@h" {BASE}'),
        ('[web]\nrunbook_url = "https://h/?x=1"', f'web.runbook_url = "https://h/?x=1" {BASE}'),
        ('[web]\nrunbook_url = "https://h/a b"', f'web.runbook_url = "https://h/a b" {BASE}'),
        ('[web]\nrunbook_url = "https://h/{"', f'web.runbook_url = "https://h/{{" {BASE}'),
        ("[web]\nrunbook_url = 1", f"web.runbook_url = 1 {BASE}"),
        (
            '[web]\nlisten_addresses = ":80"',
            'web.listen_addresses = ":80" is not a list (write ["...", "..."])',
        ),
        (
            "[policy]\nhealthy_rate_per_year = 0.6",
            "policy.healthy_rate_per_year = 0.6 is above 0.5 (that is the most)",
        ),
        (
            '[policy.lambda0_by_part]\n"900.x" = 0.6',
            'policy.lambda0_by_part."900.x" = 0.6 is not a rate from 0.02 to 0.5 incidents a year',
        ),
        (
            "[policy]\nfalse_flag_budget_per_year = 0.05",
            (
                "policy.false_flag_budget_per_year = 0.05 is not below the lowest rate of a healthy"
                " board, 0.05 (the default is 0.001)"
            ),
        ),
        (
            '[policy]\nfalse_flag_budget_per_year = 0.03\n[policy.lambda0_by_part]\n"900.x" = 0.02',
            (
                "policy.false_flag_budget_per_year = 0.03 is not below the lowest rate of a healthy"
                " board, 0.02 (the default is 0.001)"
            ),
        ),
        (
            '[policy.lambda0_by_part]\n"900.x" = "often"',
            (
                'policy.lambda0_by_part."900.x" = "often" is not a number'
                " (write digits, without quotes)"
            ),
        ),
        (
            WINDOW.replace('"2h"', '"1m"'),
            'windows.sunday.duration = "1m" is below "5m" (that is the least)',
        ),
        (
            WINDOW + 'zone = "Mars/Base"',
            (
                'windows.sunday.zone = "Mars/Base" is not a time zone that this host knows (write'
                ' "UTC" or a name such as "Europe/Berlin"; is tzdata installed?)'
            ),
        ),
        (
            WINDOW.replace("0 2 * * sun", "0 2 * *"),
            (
                'windows.sunday.cron = "0 2 * *" is refused: window sunday:'
                " cron '0 2 * *' has 4 fields, not 5: minute hour day-of-month"
                ' month day-of-week ("0 2 * * SUN" is Sundays at 02:00)'
            ),
        ),
        (
            WINDOW.replace("0 2 * * sun", "0 25 * * sun"),
            (
                'windows.sunday.cron = "0 25 * * sun" is refused: window sunday:'
                " cron '0 25 * * sun': Bad hour (see man 5 crontab)"
            ),
        ),
        (
            '[rules]\ndisabled = ["row-remap-fialed"]',
            'rules.disabled = "row-remap-fialed" is no rule (did you mean row-remap-failed?)',
        ),
        (
            '[rules]\ndisabled = ["xyzzy"]',
            'rules.disabled = "xyzzy" is no rule (gpuwatch rules lists them)',
        ),
        (
            '[[windows]]\nname = "x"\ncron = "0 2 * * sun"',
            'windows.x.duration is missing (a regular window needs one, such as "4h")',
        ),
        (
            WINDOW + WINDOW,
            (
                'windows.name = "sunday" is the name of a window in gpuwatch.toml already'
                " (give it another name)"
            ),
        ),
        (
            '[windows]\nname = "x"',
            'windows is not a list of tables (write "[[windows]]" above each window)',
        ),
        (
            '[[windows]]\ncron = "0 2 * * sun"\nduration = "2h"',
            'windows."number 1".name is missing (give it one)',
        ),
        (
            '[[windows]]\nname = "x"',
            (
                'windows.x.cron is missing (write when the window starts: "0 2 * * sun"; or set'
                " start for one date)"
            ),
        ),
        (
            WINDOW + "start = 2026-03-15T02:00:00",
            (
                'windows.sunday.start = "2026-03-15T02:00" stands beside cron (a window is regular'
                " or on one date: remove one of them)"
            ),
        ),
        (
            WINDOW.replace('"2h"', '"8d"'),
            'windows.sunday.duration = "8d" is above "7d" (that is the most)',
        ),
        (
            f'{ONCE}end = "2026-03-15T01:00"',
            'windows.x.end = "2026-03-15T01:00" is not after start (write a later time)',
        ),
        (
            f'{ONCE}end = "2026-03-15T02:01"',
            (
                'windows.x.end = "2026-03-15T02:01" makes the window shorter than 5m'
                " (that is the limit)"
            ),
        ),
        (
            f"{ONCE}end = 2026-03-25T02:00:00",
            (
                'windows.x.end = "2026-03-25T02:00" makes the window longer than 7d'
                " (that is the limit)"
            ),
        ),
        (ONCE, "windows.x.end is missing (every window ends: write end, or duration)"),
        (
            f'{ONCE}end = "2026-03-15T06:00"\nduration = "4h"',
            'windows.x.end = "2026-03-15T06:00" stands beside duration (keep one of them)',
        ),
        (
            '[[windows]]\nname = "x"\nstart = "Sunday"\nduration = "4h"',
            'windows.x.start = "Sunday" is not a date with a time (write "2026-03-15T02:00")',
        ),
        (
            '[[windows]]\nname = "x"\nstart = 2026-03-15T02:00:00Z\nduration = "4h"',
            (
                'windows.x.start = "2026-03-15T02:00+00:00" has an offset (write the time on the'
                " wall, and say the zone in zone)"
            ),
        ),
        (
            '[[windows]]\nname = "x"\nstart = "9999-12-31T23:00"\nduration = "4h"',
            (
                'windows.x.start = "9999-12-31T23:00" is not in the years 2000 to 2199'
                " (correct the date)"
            ),
        ),
        (
            ONCE.replace("windows", "blackouts"),
            "blackouts.x.end is missing (every blackout ends: write end, or duration)",
        ),
        (
            ONCE.replace("windows", "blackouts") + 'end = "2027-03-17T02:00"',
            (
                'blackouts.x.end = "2027-03-17T02:00" makes the blackout longer than 366d'
                " (that is the limit)"
            ),
        ),
        (
            WINDOW.replace("windows", "blackouts").replace("0 2 * * sun", "0 0 */29 2 1#5"),
            (
                'blackouts.sunday.cron = "0 0 */29 2 1#5" is refused: blackout sunday:'
                " cron '0 0 */29 2 1#5' never fires (no year has such a day)"
            ),
        ),
        (
            "[policy]\nboards_per_window = 0",
            "policy.boards_per_window = 0 is below 1 (that is the least)",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_place_and_the_way_out(toml: str, text: str) -> None:
    """File, key, value, what is wrong and what to write instead."""
    assert _refusal(_layers(toml)) == [f"{FILE}: {text}"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "GPUWATCH_NVML_FAST",
            "10s",
            "nvml_fast is no setting (did you mean GPUWATCH_NVML__FAST?)",
        ),
        ("GPUWATCH_ZZZ", "1", "zzz is no setting (unset it)"),
        ("GPUWATCH_NVML__FATS", "1", "nvml.fats is no setting (did you mean nvml.fast?)"),
        ("GPUWATCH_NVML__FAST", "10", f'nvml.fast = "10" {DURATION}'),
        (
            "GPUWATCH_WEB__MAX_CONNECTIONS",
            "many",
            'web.max_connections = "many" is not a whole number (write digits, without quotes)',
        ),
        (
            "GPUWATCH_WINDOWS",
            "sunday",
            (
                'windows is not a list of tables (write [{name = "...", cron = "...",'
                ' duration = "..."}])'
            ),
        ),
    ],
)
def test_a_bad_variable_is_refused_by_its_name(name: str, value: str, text: str) -> None:
    """A misspelt variable is not silently without effect."""
    assert _refusal(_layers(environment={name: value})) == [f"variable {name}: {text}"]


_NAMES = st.sampled_from(
    [
        "nvml",
        "bmc",
        "protocol",
        "address",
        "windows",
        "policy",
        "fast",
        "name",
        "duration",
        "lambda0_by_part",
        "host",
        "0",
        "x",
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "5m", "5", "a\n"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])
def test_whatever_a_file_says_is_taken_or_refused(document: dict[str, object]) -> None:
    """No content of a file ends in anything but settings or a list of problems."""
    layers = Layers()
    take_document(layers, document, FILE)

    try:
        check(layers)
    except ConfigError as refused:
        assert all(problem.where and problem.text for problem in refused.problems)  # noqa: PT017


def test_an_option_without_a_section_is_refused() -> None:
    """The text says how an option is written."""
    problems = _refusal(_layers(options=("fast",)))

    assert problems == [
        'option --set: fast is not a setting (write "--set SECTION.KEY=VALUE")',
    ]


def test_all_problems_are_told_at_once() -> None:
    """Nobody corrects a file one restart at a time."""
    layers = _layers(
        '[nvml]\nfast = "1s"\nnope = 1\n[host]\nrack = 1\n' + WINDOW + WINDOW,
        {"GPUWATCH_LOG__LEVEL": "loud"},
        ("web.max_connections=2",),
    )

    assert [problem.partition(" ")[0] for problem in _refusal(layers)] == [
        "gpuwatch.toml:",
        "option",
        "gpuwatch.toml:",
        "gpuwatch.toml:",
        "gpuwatch.toml:",
        "variable",
    ]


def test_a_contradiction_with_a_default_names_the_default() -> None:
    """Fast is set above the default of slow: slow is what has to move, and nobody wrote it."""
    problems = _refusal(_layers('[nvml]\nfast = "2m"'))

    assert problems == [
        (
            'default: nvml.slow = "1m" is shorter than nvml.fast (2m);'
            " it asks less often, so make it at least as long"
        ),
    ]


def test_the_stronger_source_wins_key_by_key() -> None:
    """Command line over environment over file; keys that a source does not set stay."""
    settings = check(
        _layers(
            '[nvml]\nfast = "11s"\nslow = "71s"\nrare = "7m"',
            {"GPUWATCH_NVML__SLOW": "72s", "GPUWATCH_NVML__FAST": "12s"},
            ("nvml.fast=13s",),
        )
    )

    assert (settings.nvml.fast, settings.nvml.slow, settings.nvml.rare) == (
        timedelta(seconds=13),
        timedelta(seconds=72),
        timedelta(minutes=7),
    )


def test_texts_become_what_their_setting_is() -> None:
    """A variable can say everything that the file can."""
    settings = check(
        _layers(
            environment={
                "GPUWATCH_NVML__ENABLED": "false",
                "GPUWATCH_NVML__EXPECTED_GPUS": "8",
                "GPUWATCH_WEB__LISTEN_ADDRESSES": "127.0.0.1:1, [::1]:2",
                "GPUWATCH_NVML__RETRY_AFTER": '["3m", "4m"]',
                "GPUWATCH_POLICY__LAMBDA0_BY_PART": '{ "900.x" = 0.3 }',
                "GPUWATCH_HOST__RACK": "12",
                "GPUWATCH_WINDOWS": '[{name = "n", cron = "0 2 * * sun", duration = "2h"}]',
            }
        )
    )

    assert settings.nvml.enabled is False
    assert settings.nvml.expected_gpus == 8
    assert settings.web.listen_addresses == ("127.0.0.1:1", "[::1]:2")
    assert settings.nvml.retry_after == (timedelta(minutes=3), timedelta(minutes=4))
    assert settings.policy.lambda0_by_part == {"900.x": 0.3}
    assert settings.host.rack == "12"
    assert [window.name for window in settings.windows] == ["n"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("https://wiki.example/gpu/runbooks/", "https://wiki.example/gpu/runbooks"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("https://[2001:db8::1]/r", "https://[2001:db8::1]/r"),
    ],
)
def test_the_base_of_runbooks_ends_without_a_slash(written: str, kept: str) -> None:
    """So that a code is appended in one way only."""
    settings = check(_layers(f'[web]\nrunbook_url = "{written}"\n'))

    assert settings.web.runbook_url == kept


def test_every_effective_value_says_where_it_came_from() -> None:
    """Default, file and variable are told apart, also part by part in a table."""
    layers = _layers(
        '[host]\nrack = "r7"\n[policy.lambda0_by_part]\n"900.x" = 0.3\n' + WINDOW,
        {"GPUWATCH_NVML__FAST": "12s"},
    )
    loaded = Loaded(settings=check(layers), layers=layers, file=None, options=())

    effective = {setting.key: (setting.value, setting.origin) for setting in loaded.effective()}

    assert effective["host.rack"] == ('"r7"', FILE)
    assert effective["nvml.fast"] == ('"12s"', "variable GPUWATCH_NVML__FAST")
    assert effective["nvml.slow"] == ('"1m"', "default")
    assert effective["nvml.expected_gpus"] == ("unset", "default")
    assert effective['policy.lambda0_by_part."900.x"'] == ("0.3", FILE)
    assert effective["windows.sunday.zone"] == ('"UTC"', FILE)


def test_equal_settings_have_one_digest() -> None:
    """The digest names the settings, not how they were written."""
    written = (
        _layers('[nvml]\ninventory = "90m"'),
        _layers('[nvml]\ninventory = "1h30m"'),
        _layers(),
    )

    digests = [
        Loaded(settings=check(one), layers=one, file=None, options=()).digest for one in written
    ]

    assert digests[0] == digests[1] != digests[2]


def test_a_date_on_the_wall_becomes_an_instant_of_its_zone() -> None:
    """As TOML writes dates or as a text; a time that the clocks skip is the first after the gap."""
    settings = check(
        _layers(
            '[[windows]]\nname = "move"\nstart = 2026-03-29T02:30:00\nduration = "4h"\n'
            'zone = "Europe/Berlin"\n'
            '[[blackouts]]\nname = "year-end"\nreason = "no changes"\n'
            'start = "2026-12-18T00:00"\nend = "2027-01-04T00:00"\n'
        )
    )

    window, blackout = settings.windows[0].window(), settings.blackouts[0].blackout()
    assert window.start.isoformat() == "2026-03-29T01:00:00+00:00"
    assert window.end.isoformat() == "2026-03-29T05:00:00+00:00"
    assert (blackout.name, blackout.reason) == ("year-end", "no changes")
    assert (blackout.end - blackout.start).days == 17


def test_a_regular_blackout_is_a_freeze() -> None:
    """With its reason; asked for its date it says that it has none, and the other way round."""
    text = (
        WINDOW.replace("windows", "blackouts") + 'reason = "backup"\n' + ONCE + 'duration = "1h"\n'
    )

    settings = check(_layers(text))

    assert settings.blackouts[0].freeze().reason == "backup"
    with pytest.raises(ValueError, match="blackout sunday is not on a single date"):
        settings.blackouts[0].blackout()
    with pytest.raises(ValueError, match="window x is on a single date"):
        settings.windows[0].schedule()
