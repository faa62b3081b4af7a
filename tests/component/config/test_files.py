"""Settings from real files, drop-ins and a credentials directory."""

from pathlib import Path

import pytest

from gpuwatch.config.loading import ConfigError, load, reload


def _problems(file: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(file=file, environment=environment or {})
    return [str(problem) for problem in refused.value.problems]


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    """All defaults, because of a misspelt --config, is what nobody wants."""
    file = tmp_path / "gone.toml"

    assert _problems(file) == [
        f"{file} does not exist (create it, or name another file with --config)",
    ]


def test_a_file_named_by_the_variable_must_exist_too(tmp_path: Path) -> None:
    """GPUWATCH_CONFIG names a file as --config does."""
    file = tmp_path / "gone.toml"

    with pytest.raises(ConfigError, match=r"gone\.toml does not exist"):
        load(environment={"GPUWATCH_CONFIG": str(file)})


def test_broken_toml_names_its_file_and_line(tmp_path: Path) -> None:
    """The parser's place, with the file that it does not know."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text("[nvml]\nfast = 10s\n")

    [problem] = _problems(file)

    assert problem.startswith(f"{file} is not TOML: ")
    assert "line 2" in problem


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The byte is named."""
    file = tmp_path / "gpuwatch.toml"
    file.write_bytes(b'[host]\nsite = "Z\xfcrich"\n')

    assert _problems(file) == [f"{file} is not UTF-8: byte 16 (save it as UTF-8)"]


def test_a_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """What the system says, with the file's name."""
    assert _problems(tmp_path) == [f"{tmp_path} cannot be read: Is a directory (who may read it?)"]


def test_a_huge_file_is_not_swallowed(tmp_path: Path) -> None:
    """Somebody named a disk image."""
    file = tmp_path / "gpuwatch.toml"
    file.write_bytes(b"#" * (2 << 20))

    assert _problems(file) == [f"{file} is larger than 1 MiB (is it the right file?)"]


def test_every_broken_drop_in_is_told(tmp_path: Path) -> None:
    """Problems of all files come together."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text("[nvml]\nfats = 1\n")
    drop_ins = tmp_path / "conf.d"
    drop_ins.mkdir()
    (drop_ins / "10-a.toml").write_text("=\n")
    (drop_ins / "20-b.toml").write_text("[web]\nport = 1\n")
    (drop_ins / "30-c.txt").write_text("not ours")
    (drop_ins / ".hidden.toml").write_text("=")

    first, second, third = _problems(file)

    assert first.startswith(f"{drop_ins}/10-a.toml is not TOML")
    assert second.startswith(f"{drop_ins}/20-b.toml: web.port is no setting")
    assert third.startswith(f"{file}: nvml.fats is no setting")


def test_sources_rank_in_the_documented_order(tmp_path: Path) -> None:
    """Option, variable, credential, later drop-in, earlier drop-in, file, default."""
    file = tmp_path / "gpuwatch.toml"
    drop_ins, credentials = tmp_path / "conf.d", tmp_path / "credentials"
    drop_ins.mkdir()
    credentials.mkdir()
    keys = ("site", "row", "rack", "unit")
    file.write_text("[host]\n" + "".join(f'{key} = "file"\n' for key in keys) + 'fru = "tray"\n')
    (drop_ins / "10.toml").write_text("[host]\n" + "".join(f'{key} = "10"\n' for key in keys))
    (drop_ins / "20.toml").write_text('[host]\nsite = "20"\nrow = "20"\nrack = "20"\n')
    (credentials / "gpuwatch.host.site").write_text("credential\n")
    (credentials / "gpuwatch.host.row").write_text("credential\n")
    (credentials / "somebody-elses").write_bytes(b"\xff")
    environment = {
        "CREDENTIALS_DIRECTORY": str(credentials),
        "GPUWATCH_HOST__SITE": "variable",
        "GPUWATCH_AGENT__HOSTNAME": "variable",
    }

    loaded = load(file=file, environment=environment, options=["agent.hostname=option"])

    assert loaded.settings.agent.hostname == "option"
    assert loaded.settings.host.model_dump() == {
        "site": "variable",
        "row": "credential",
        "rack": "20",
        "unit": "10",
        "fru": "tray",
    }
    shown = {setting.key: (setting.value, setting.origin) for setting in loaded.effective()}
    assert shown["host.row"] == ("(hidden)", "credential gpuwatch.host.row")
    assert shown["host.rack"] == ('"20"', f"{drop_ins}/20.toml")


def test_a_refused_credential_is_not_shown(tmp_path: Path) -> None:
    """The problem names the credential, never its content."""
    (tmp_path / "gpuwatch.nvml.fast").write_text("s3cret")

    with pytest.raises(ConfigError) as refused:
        load(environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert "s3cret" not in str(refused.value)
    assert str(refused.value).startswith(
        "config: credential gpuwatch.nvml.fast: nvml.fast = (hidden) is not a duration"
    )


def test_windows_of_files_add_up(tmp_path: Path) -> None:
    """One drop-in for one window; none silently ends another."""
    file = tmp_path / "gpuwatch.toml"
    (tmp_path / "conf.d").mkdir()
    window = '[[windows]]\nname = "{}"\ncron = "0 2 * * sun"\nduration = "2h"\n'
    file.write_text(window.format("first"))
    (tmp_path / "conf.d" / "10.toml").write_text(window.format("second"))

    loaded = load(file=file, environment={})

    assert [one.name for one in loaded.settings.windows] == ["first", "second"]


def test_a_reload_says_what_took_effect_and_what_waits(tmp_path: Path) -> None:
    """Sections that need a restart keep their old values until then."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text('[nvml]\nfast = "11s"\n[log]\nlevel = "info"\n')
    old = load(file=file, environment={})
    file.write_text('[nvml]\nfast = "12s"\n[log]\nlevel = "debug"\n')

    reloaded = reload(old, {})

    assert reloaded.changed == ("log.level",)
    assert reloaded.needs_restart == ("nvml.fast",)
    assert reloaded.loaded.settings.log.level == "debug"
    assert reloaded.loaded.settings.nvml.fast == old.settings.nvml.fast
    again = reload(reloaded.loaded, {})
    assert (again.changed, again.needs_restart) == ((), ("nvml.fast",))


def test_a_bad_new_file_leaves_the_old_settings(tmp_path: Path) -> None:
    """A reload that is refused raises; nothing of it is in effect."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text('[nvml]\nfast = "11s"\n')
    old = load(file=file, environment={})
    file.write_text('[nvml]\nfast = "1s"\n')

    with pytest.raises(ConfigError, match=r'nvml.fast = "1s" is below'):
        reload(old, {})


def test_a_calendar_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Its place, its key, its value and the way out; what stands in it is not looked at."""
    calendar = tmp_path / "ops.ics"
    file = tmp_path / "gpuwatch.toml"
    file.write_text(f'[[calendars]]\nname = "ops"\npath = "{calendar}"\n')

    absent = _problems(file)
    calendar.write_text("broken")
    loaded = load(file=file, environment={})

    assert absent == [
        f'{file}: calendars.ops.path = "{calendar}" does not exist (is its file system mounted?)'
    ]
    assert loaded.settings.calendars[0].file().path == str(calendar)


def test_a_calendar_without_words_is_refused(tmp_path: Path) -> None:
    """No event of it would count."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text('[[calendars]]\nname = "ops"\npath = "/o.ics"\nwindows = []\nblackouts = []\n')

    assert _problems(file) == [
        (
            f"{file}: calendars.ops.windows = [] is empty, and so is blackouts"
            " (write the words that make events count)"
        )
    ]
