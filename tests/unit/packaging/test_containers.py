"""The image recipe and the manifests: known to the API, as closed as they say, and consistent."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuwatch.config.schema import sections
from tests.support.kubernetes import wrong

FOLDER = Path(__file__).parents[3] / "packaging" / "container"
OPEN, CLOSED = "daemonset-kernel-log.yaml", "daemonset.yaml"
MANIFESTS = (CLOSED, OPEN)
USER = 9853


def _manifest(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((FOLDER / name).read_text())


def _pod(name: str) -> Any:  # noqa: ANN401 - YAML
    return _manifest(name)["spec"]["template"]["spec"]


def _containers(name: str) -> list[Any]:
    pod = _pod(name)
    return [*pod.get("initContainers", []), *pod["containers"]]


def _recipe() -> list[str]:
    text = (FOLDER / "Containerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_as_the_api_has_it(name: str) -> None:
    """Every field is known, has its type, and what is needed is there."""
    assert list(wrong(_manifest(name))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spce": {}}, ": DaemonSet has no spce"),
        ({"metadata": {"name": 5}}, ".metadata.name: 5 is no text"),
        ({"spec": []}, ".spec: [] is no DaemonSetSpec"),
        ({"spec": {"template": {}}}, ".spec: DaemonSetSpec needs selector"),
    ],
)
def test_what_is_not_as_the_api_has_it_is_told(change: dict[str, Any], said: str) -> None:
    """A check that finds nothing would prove nothing."""
    assert said in list(wrong({**_manifest(CLOSED), **change}))


@pytest.mark.parametrize("name", MANIFESTS)
def test_pods_are_selected_by_labels_that_they_have(name: str) -> None:
    """The API refuses a set that would not find its own pods."""
    spec = _manifest(name)["spec"]

    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert _manifest(name)["apiVersion"] == "apps/v1"


@pytest.mark.parametrize("name", MANIFESTS)
def test_what_is_mounted_is_a_volume_and_every_volume_is_mounted(name: str) -> None:
    """A name in one place only is a mistake."""
    mounted = {mount["name"] for one in _containers(name) for mount in one["volumeMounts"]}

    assert mounted == {volume["name"] for volume in _pod(name)["volumes"]}


@pytest.mark.parametrize("name", MANIFESTS)
def test_no_gpu_is_claimed_and_every_tainted_node_is_watched(name: str) -> None:
    """A GPU that the watcher holds is one that nobody works on."""
    claimed = [key for one in _containers(name) for key in one["resources"]["limits"]]

    assert set(claimed) == {"memory"}
    assert _pod(name)["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize("name", MANIFESTS)
def test_variables_are_settings_that_exist(name: str) -> None:
    """The agent refuses others; a service of its name would set some."""
    known = {
        f"GPUWATCH_{section}__{key}".upper()
        for section, model in sections()
        for key in model.model_fields
    }
    set_here = {
        variable["name"] for one in _containers(name) for variable in one.get("env", [])
    } - {"NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "CREDENTIALS_DIRECTORY"}

    assert set_here <= known
    assert _pod(name)["enableServiceLinks"] is False


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_agent_is_not_the_first_process(name: str) -> None:
    """That one inherits whatever loses its parent, and would have to reap it."""
    assert _pod(name)["shareProcessNamespace"] is True


@pytest.mark.parametrize("name", MANIFESTS)
def test_probes_ask_what_the_agent_answers(name: str) -> None:
    """On the port that it listens on."""
    one = _pod(name)["containers"][0]
    probes = [one[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]

    assert [probe["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]
    assert {probe["port"] for probe in probes} == {port["name"] for port in one["ports"]}
    assert [port["containerPort"] for port in one["ports"]] == [9853]


def test_the_closed_one_is_unprivileged_and_not_root() -> None:
    """But for the moment in which the folder of the state is given away."""
    first, agent = _containers(CLOSED)
    pod = _pod(CLOSED)["securityContext"]

    assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, USER)
    assert agent["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "privileged" not in agent["securityContext"]
    assert first["securityContext"]["capabilities"]["add"] == ["CHOWN", "FOWNER"]
    assert [v["name"] for v in _pod(CLOSED)["volumes"] if "hostPath" in v] == ["state"]


def test_the_open_one_gives_its_rights_away_before_the_agent_starts() -> None:
    """All but the one for the kernel log."""
    (agent,) = _containers(OPEN)
    script = agent["command"][-1]

    assert "exec setpriv --reuid 9853 --regid 9853 --clear-groups --no-new-privs" in script
    assert set(re.findall(r"--(\w+)(?:-\w+)* (\S+,\S+)", script)) == {
        (name, "-all,+syslog") for name in ("inh", "ambient", "bounding")
    }


def test_the_open_one_sees_no_more_of_the_host_than_it_needs() -> None:
    """Below a root that is mounted read-only other file systems can still be written."""
    paths = {
        one["name"]: one["hostPath"]["path"] for one in _pod(OPEN)["volumes"] if "hostPath" in one
    }
    (agent,) = _containers(OPEN)
    (driver,) = (one for one in agent["volumeMounts"] if one["name"] == "driver")

    assert paths == {
        "state": "/var/lib/gpuwatch",
        "runtime": "/run/gpuwatch",
        "devices": "/dev",
        "driver": "/usr",
    }
    assert driver == {"name": "driver", "mountPath": "/driver/usr", "readOnly": True}


def test_an_image_is_built_without_network_and_runs_as_nobody_special() -> None:
    """Only the base image comes from elsewhere, and only wheels that lie beside the recipe."""
    recipe = _recipe()
    pips = [line for line in recipe if "pip install" in line]

    assert len(pips) == 1
    assert "--no-index --find-links /wheels" in pips[0]
    assert not re.search(r"\b(apt|apt-get|curl|wget|git)\b", "\n".join(recipe))
    assert [line for line in recipe if line.startswith("USER")] == [f"USER {USER}:{USER}"]
    assert [line.split()[1] for line in recipe if line.startswith("FROM")] == ["${BASE}", "${BASE}"]
