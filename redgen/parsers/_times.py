"""Event times in SQL: expressions that turn a column of text into a TIMESTAMP in UTC, NULL when it is no time.

Written without DuckDB's time zone functions, whose casts of times with offsets differ between versions.
"""

from __future__ import annotations

from datetime import UTC, datetime

TIME_FIELDS = (
    "eventTime", "published", "msec", "ts", "@timestamp", "timestamp", "_time", "time", "time_iso8601",
    "createdDateTime", "TimeGenerated", "CreationTime", "created_at", "event.created", "id.time",
    "requestReceivedTimestamp", "stageTimestamp", "activityDateTime", "eventTimestamp", "UtcTime", "TimeCreated",
    "SystemTime", "EventTime", "datetime", "date", "time_local", "EdgeStartTimestamp", "start", "created", "_ts",
    "event_time", "utc_timestamp", "local_time", "timestamp_ms", "receiveTimestamp", "start_time", "time_unix",
)
"""Names under which products keep a record's time, in the order in which they are believed."""

ID_FIELDS = ("uuid", "eventID", "uid", "request_id", "_id", "event_id", "event.id", "eventId", "insertId", "auditID",
             "_document_id", "Id", "id", "guid")
"""Names under which products keep a record's own identifier, likeliest first."""

_FIRST = 631_152_000          # 1990 in seconds: a smaller number is no time
_OFFSET = r"[+-]\d\d:?\d\d$|[+-]\d\d$"


def moment(x: str, near: int = 0) -> str:
    """A time in any of the usual writings: ISO 8601, epoch of any unit, common log format, syslog, ctime.

    Numbers are told apart by size: seconds below 10^11, milliseconds below 10^14, microseconds below 10^17.
    ``near`` (µs UTC) gives the year to those that have none. ``x`` is evaluated several times; let it be a column.
    """
    return f"""CASE
        WHEN {x} IS NULL THEN NULL
        WHEN regexp_full_match({x}, '\\d{{4}}-\\d\\d-\\d\\d.*') THEN {iso(x)}
        WHEN regexp_full_match({x}, '-?[\\d.]+([eE]\\+?\\d+)?') THEN {epoch(x)}
        WHEN substr({x}, 3, 1) = '/' THEN {clf(x)}
        WHEN substr({x}, 4, 1) = ' ' AND substr({x}, 7, 1) = ' ' THEN {yearless(x, near)}
        WHEN regexp_matches({x}, '\\d') THEN coalesce({", ".join(f"try_strptime({x}, '{form}')" for form in _RARE)})
        END"""


_RARE = ("%Y/%m/%d %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S GMT", "%Y%m%dT%H%M%SZ",
         "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%b %d, %Y %H:%M:%S")


def iso(x: str) -> str:
    """ISO 8601 with or without fraction (cut to µs) and offset; none means UTC."""
    zone = f"regexp_extract({x}, '{_OFFSET}')"
    bare = f"TRY_CAST(replace(left({x}, length({x}) - length({zone})), ',', '.') AS TIMESTAMP)"
    return f"""CASE WHEN ends_with({x}, 'Z') THEN TRY_CAST(left({x}, length({x}) - 1) AS TIMESTAMP)
        WHEN length({x}) > 13 AND regexp_matches({x}, '{_OFFSET}')
            THEN {bare} - {offset(zone)}
        ELSE TRY_CAST(replace(replace({x}, ',', '.'), ' UTC', '') AS TIMESTAMP) END"""


def offset(x: str) -> str:
    """The INTERVAL of an offset such as ``+02:00``, ``-0530``, ``+02``."""
    minutes = (f"TRY_CAST(substr({x}, 2, 2) AS INTEGER) * 60 + "
               f"coalesce(TRY_CAST(replace(substr({x}, 4), ':', '') AS INTEGER), 0)")
    return f"to_minutes(({minutes}) * CASE WHEN starts_with({x}, '-') THEN -1 ELSE 1 END)"


def epoch(x: str) -> str:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, exact to the microsecond."""
    number = f"coalesce(TRY_CAST({x} AS DECIMAL(38, 9)), TRY_CAST(TRY_CAST({x} AS DOUBLE) AS DECIMAL(38, 9)))"
    size = f"abs(TRY_CAST({x} AS DOUBLE))"
    scaled = " ".join(f"WHEN {size} < {least} THEN {number} * {unit}"
                      for least, unit in (("1e11", "1000000"), ("1e14", "1000"), ("1e17", "1")))
    made = f"make_timestamp(TRY_CAST(floor(CASE {scaled} ELSE TRY_CAST({x} AS HUGEINT) // 1000 END) AS BIGINT))"
    return f"CASE WHEN {size} BETWEEN {_FIRST} AND 1e20 THEN {made} END"


def clf(x: str) -> str:
    """The common log format's ``12/Jan/2026:07:12:11 +0000``."""
    local = f"try_strptime(left({x}, 20), '%d/%b/%Y:%H:%M:%S')"
    return f"CASE WHEN ends_with({x}, '+0000') THEN {local} ELSE {local} - {offset(f'substr({x}, 22, 5)')} END"


def yearless(x: str, near: int) -> str:
    """RFC 3164's ``Jan 12 07:12:11``, in UTC, in the year that brings it nearest to ``near`` (µs UTC)."""
    middle = datetime.fromtimestamp(near // 1_000_000, UTC).year
    found = [f"try_strptime('{year} ' || {x}, '%Y %b %d %H:%M:%S')" for year in (middle, middle - 1, middle + 1)]
    half = "INTERVAL 4392 HOURS"  # half a leap year
    now = f"make_timestamp({near}::BIGINT)"
    return f"""CASE WHEN {found[0]} BETWEEN {now} - {half} AND {now} + {half} THEN {found[0]}
        WHEN {found[1]} >= {now} - {half} THEN {found[1]}
        WHEN {found[2]} <= {now} + {half} THEN {found[2]} ELSE coalesce({", ".join(found)}) END"""


def seconds(x: str) -> str:
    """Epoch seconds as Zeek writes them: six decimals, whose digits are microseconds when the point is left out."""
    digits = f"make_timestamp(TRY_CAST(replace({x}, '.', '') AS BIGINT))"
    return f"CASE WHEN substr({x}, -7, 1) = '.' THEN {digits} ELSE {epoch(x)} END"
