"""Kubernetes: the fields that our manifests may have, by type, as the API reference names them.

Fields and types are facts from https://kubernetes.io/docs/reference/kubernetes-api/ (apps/v1 and
core/v1 of 1.28 and later). A table holds what we use and nothing else: what is not in it is either
misspelt or to be looked up and added.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# A type is a Python type, the name of another table, or one of them in a list or by any name.
_TEXT, _NUMBER, _FLAG = "text", "number", "flag"
_LISTS, _MAPS = "list of ", "map of "
KINDS: Mapping[str, Mapping[str, str]] = {
    "DaemonSet": {
        "apiVersion": _TEXT, "kind": _TEXT, "metadata": "Meta", "spec": "DaemonSetSpec",
    },
    "Meta": {"name": _TEXT, "namespace": _TEXT, "labels": "map of text"},
    "DaemonSetSpec": {
        "selector": "Selector", "updateStrategy": "Strategy", "template": "Template",
    },
    "Selector": {"matchLabels": "map of text"},
    "Strategy": {"type": _TEXT, "rollingUpdate": "Rolling"},
    "Rolling": {"maxUnavailable": _TEXT},
    "Template": {"metadata": "Meta", "spec": "PodSpec"},
    "PodSpec": {
        "nodeSelector": "map of text", "tolerations": "list of Toleration",
        "priorityClassName": _TEXT, "runtimeClassName": _TEXT,
        "automountServiceAccountToken": _FLAG, "enableServiceLinks": _FLAG,
        "shareProcessNamespace": _FLAG,
        "terminationGracePeriodSeconds": _NUMBER, "securityContext": "PodSecurity",
        "initContainers": "list of Container", "containers": "list of Container",
        "volumes": "list of Volume",
    },
    "Toleration": {"operator": _TEXT},
    "PodSecurity": {
        "runAsNonRoot": _FLAG, "runAsUser": _NUMBER, "runAsGroup": _NUMBER, "fsGroup": _NUMBER,
        "seccompProfile": "Seccomp",
    },
    "Seccomp": {"type": _TEXT},
    "Container": {
        "name": _TEXT, "image": _TEXT, "command": "list of text", "args": "list of text",
        "env": "list of Variable", "ports": "list of Port", "startupProbe": "Probe",
        "livenessProbe": "Probe", "readinessProbe": "Probe", "securityContext": "Security",
        "resources": "Resources", "volumeMounts": "list of Mount",
    },
    "Variable": {"name": _TEXT, "value": _TEXT, "valueFrom": "ValueFrom"},
    "ValueFrom": {"fieldRef": "FieldRef"},
    "FieldRef": {"fieldPath": _TEXT},
    "Port": {"name": _TEXT, "containerPort": _NUMBER, "protocol": _TEXT},
    "Probe": {
        "httpGet": "HttpGet", "periodSeconds": _NUMBER, "timeoutSeconds": _NUMBER,
        "failureThreshold": _NUMBER,
    },
    "HttpGet": {"path": _TEXT, "port": _TEXT},
    "Security": {
        "privileged": _FLAG, "runAsNonRoot": _FLAG, "runAsUser": _NUMBER, "runAsGroup": _NUMBER,
        "allowPrivilegeEscalation": _FLAG, "readOnlyRootFilesystem": _FLAG,
        "capabilities": "Capabilities",
    },
    "Capabilities": {"add": "list of text", "drop": "list of text"},
    "Resources": {"requests": "map of text", "limits": "map of text"},
    "Mount": {"name": _TEXT, "mountPath": _TEXT, "readOnly": _FLAG},
    "Volume": {
        "name": _TEXT, "hostPath": "HostPath", "emptyDir": "EmptyDir", "configMap": "ConfigMap",
        "secret": "Secret",
    },
    "HostPath": {"path": _TEXT, "type": _TEXT},
    "EmptyDir": {"medium": _TEXT, "sizeLimit": _TEXT},
    "ConfigMap": {"name": _TEXT, "optional": _FLAG},
    "Secret": {"secretName": _TEXT, "optional": _FLAG, "defaultMode": _NUMBER},
}  # fmt: skip
REQUIRED: Mapping[str, frozenset[str]] = {
    "DaemonSet": frozenset({"apiVersion", "kind", "metadata", "spec"}),
    "DaemonSetSpec": frozenset({"selector", "template"}),
    "PodSpec": frozenset({"containers"}),
    "Container": frozenset({"name", "image"}),
    "Variable": frozenset({"name"}),
    "Port": frozenset({"containerPort"}),
    "HttpGet": frozenset({"port"}),
    "Mount": frozenset({"name", "mountPath"}),
    "Volume": frozenset({"name"}),
    "HostPath": frozenset({"path"}),
}
_SCALARS: Mapping[str, type] = {_TEXT: str, _NUMBER: int, _FLAG: bool}


def wrong(value: Any, kind: str = "DaemonSet", where: str = "") -> Iterator[str]:  # noqa: ANN401 - YAML
    """What in a document is not as the API has it."""
    if kind.startswith(_LISTS):
        yield from _wrong_list(value, kind.removeprefix(_LISTS), where)
    elif kind.startswith(_MAPS):
        yield from _wrong_map(value, kind.removeprefix(_MAPS), where)
    elif kind in _SCALARS:
        if type(value) is not _SCALARS[kind]:
            yield f"{where}: {value!r} is no {kind}"
    else:
        yield from _wrong_object(value, kind, where)


def _wrong_list(value: Any, kind: str, where: str) -> Iterator[str]:  # noqa: ANN401 - YAML
    if not isinstance(value, list):
        yield f"{where}: {value!r} is no list"
        return
    for number, one in enumerate(value):
        yield from wrong(one, kind, f"{where}[{number}]")


def _wrong_map(value: Any, kind: str, where: str) -> Iterator[str]:  # noqa: ANN401 - YAML
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no map"
        return
    for name, one in value.items():
        yield from wrong(one, kind, f"{where}.{name}")


def _wrong_object(value: Any, kind: str, where: str) -> Iterator[str]:  # noqa: ANN401 - YAML
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no {kind}"
        return
    yield from (
        f"{where}: {kind} needs {name}"
        for name in sorted(REQUIRED.get(kind, frozenset()) - value.keys())
    )
    for name, one in value.items():
        if name in KINDS[kind]:
            yield from wrong(one, KINDS[kind][name], f"{where}.{name}")
        else:
            yield f"{where}: {kind} has no {name}"
