"""Runbooks: where an alert points to. By default to the agents, which serve their own."""

AGENTS_OWN = ""


def of_instance(base: str, code: str) -> str:
    """The page about a finding: under `base`, else on the agent that tells it."""
    return (
        f"{base.rstrip('/')}/{code}"
        if base
        else f"http://{{{{ $labels.instance }}}}/runbooks/{code}"
    )


def of_any(base: str, code: str) -> str:
    """The page about what no single agent tells: under `base`, else on an agent that answers."""
    if base:
        return f"{base.rstrip('/')}/{code}"
    return (
        '{{ with query "topk(1, gpuwatch_build_info)" }}'
        f'http://{{{{ . | first | label "instance" }}}}/runbooks/{code}'
        f"{{{{ else }}}}gpuwatch runbook {code}{{{{ end }}}}"
    )
