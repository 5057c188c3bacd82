"""CrowdSec: ``cscli alerts list -o json``, or the ``bucket-dump.yaml`` of a run with ``-dump-data``.

Keys: CrowdSec's alert model (Swagger of its local API; the dump drops the underscores). ``created_at`` is when the
engine ran, so an alert's time is ``stop_at``: the event that made the bucket overflow.
"""

from __future__ import annotations

from typing import Any

from redgen.alert import LEVELS
from redgen.readers._entities import entities_of
from redgen.readers._rows import RowReader, Rows
from redgen.records import Record, leaf

_META = {"source_ip": "ip", "target_user": "user", "username": "user", "machine": "host", "http_user_agent": "ua",
         "target_fqdn": "site", "target_host": "site"}


class CrowdSec(RowReader):
    """Alerts or overflows of CrowdSec."""

    name = "crowdsec"
    title = "CrowdSec alerts (cscli JSON or bucket dump)"
    signature = (("scenario", "source", "stop_at"), ("scenario", "source", "start_at"), ("Overflow", "Overflow.Alert"))
    time_key = "stop_at"

    def take(self, line: int, record: Record, rows: Rows) -> None:
        """One alert, or an overflow's alert."""
        alert: Record = leaf(record, "Overflow.Alert") or record
        if not alert.get("scenario"):
            return  # a bucket that overflowed and was discarded
        start, stop = (alert.get(name) or alert.get(name.replace("_", "")) for name in ("start_at", "stop_at"))
        source = alert.get("source") or {}
        count = alert.get("events_count") or alert.get("eventscount") or 0
        rows.alert(line, alert["scenario"], stop or start, name=alert["scenario"], start=start, stop=stop, n=int(count),
                   alert_id=f"{rows.file.name}#{alert['id']}" if alert.get("id") else "", severity=LEVELS["medium"])
        scope = str(source.get("scope", "")).lower()
        rows.entities(entities_of(scope, source.get("value"), "ip" if scope in {"ip", ""} else ""))
        for event in alert.get("events") or ():
            for key, value in _meta(event):
                if key in _META:
                    rows.entities(entities_of(key, value, _META[key]))


def _meta(event: Any) -> list[tuple[str, Any]]:
    return [(str(m.get("key")), m.get("value")) for m in (event or {}).get("meta") or () if isinstance(m, dict)]


READER = CrowdSec()
