"""Upkeep: alerts about what gpuwatch keeps up beside the watch: backups, its port, hooks."""

from gpuwatch.cli.alerts.watch import HERE, NOW, Watch, lately
from gpuwatch.domain.snapshot import BACKUP_OLD_SECONDS
from gpuwatch.domain.verdicts import Urgency

_UNTIL = lately("gpuwatch_web_certificate_valid_until_timestamp_seconds")
_FROM = lately("gpuwatch_web_certificate_valid_from_timestamp_seconds")
_FAILED = lately("gpuwatch_backup_failed")
# What renews certificates does so when a part of their time is left, be that 90 days or one:
# certbot and cert-manager a third, Vault's agent 7 to 13 %. When a fifteenth is left all of them
# have failed. 14 days, two weekly rounds of tickets, suffice for what people replace once a year.
_LEFT = f"clamp_max(({_UNTIL} - {_FROM}) / 15, 14 * 86400)"

# fmt: off - a table reads by rows
UPKEEP: tuple[Watch, ...] = (
    Watch(
        code="backup-failed",
        urgency=Urgency.WINDOW,
        wait="1h",
        expr=f"{_FAILED} == 1",
        summary=f"{HERE}: no nightly backup can be made",
        description=f"gpuwatch on {HERE} has failed for an hour to back up its history. "
        "The backups before it are kept.",
        step="`journalctl -u gpuwatch` there names the folder and the way out.",
    ),
    Watch(
        code="backup-old",
        urgency=Urgency.WINDOW,
        wait="1h",
        # Where none was ever made, or the folder never answered, it counts from the agent's start.
        expr=f"(\n  {NOW}\n"
        "    - on (instance) group_right () gpuwatch_backup_last_success_timestamp_seconds\n"
        f"  or on (instance)\n  {NOW}\n    - on (instance) group_right () (\n"
        "      gpuwatch_start_timestamp_seconds and on (instance) gpuwatch_backup_enabled == 1\n"
        f"    )\n) > {BACKUP_OLD_SECONDS}\nunless on (instance) ({_FAILED} == 1)",
        summary=f"{HERE}: its nightly backup is too old",
        description=f"gpuwatch on {HERE} has made no backup of its history for "
        "{{ $value | humanizeDuration }}, and does not say that one failed.",
        step="See whether the folder of `backups.directory` answers there: it may hang.",
    ),
    Watch(
        code="web-config-failing",
        urgency=Urgency.WINDOW,
        wait="15m",
        expr=f"{lately('gpuwatch_web_config_failing')} == 1",
        summary=f"{HERE}: the file that protects its port is refused",
        description=f"The file of `web.config_file` on {HERE}, or a certificate or key that it "
        "names, is refused. What was read before stays in force, and gpuwatch would not start "
        "again.",
        step="`gpuwatch check-config` there says what is wrong, and the way out.",
    ),
    Watch(
        code="certificate-expiring",
        urgency=Urgency.WINDOW,
        wait="15m",
        expr=f"{_UNTIL} - on (instance) group_left () {NOW}\n  < {_LEFT}",
        summary=f"{HERE}: the certificate of its port "
        "{{ if gt $value 0.0 }}ends soon{{ else }}has ended{{ end }}",
        description=f"The certificate with which gpuwatch on {HERE} serves its port "
        "{{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }}"
        "{{ else }}has ended{{ end }}, and was not renewed. Once it has ended, a Prometheus that "
        "verifies it is told nothing any more.",
        step="Put a new certificate and key in the place of the old; no restart is needed.",
    ),
    Watch(
        code="hook-given-up",
        urgency=Urgency.WINDOW,
        wait="",
        expr="sum by (instance, job, hook) (increase(gpuwatch_hook_given_up_total[1h])) > 0",
        summary=f"{HERE}: a hook failed for good ({{{{ $labels.hook }}}})",
        description=f"The hook {{{{ $labels.hook }}}} of gpuwatch on {HERE} failed at every "
        'attempt for about {{ $value | printf "%.0f" }} transitions of flags within the last hour, '
        "and is not run for them any more: what it was to do has not been done.",
        step="`journalctl -u gpuwatch` there names flag, transition and error; do by hand what "
        "the hook was to do.",
    ),
)
# fmt: on
