"""A morning of two small logs, written by hand: an address that guesses passwords, one that probes a web server."""

from __future__ import annotations

import gzip
from pathlib import Path

from redgen.detector import EventFile, Events

NEAR = 1_768_201_200_000_000
"""2026-01-12T07:00:00Z, near the logs' times."""

GUESSER, PROBER, OFFICE = "250.17.3.9", "251.40.8.77", "10.20.4.17"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"


def auth_lines(n: int = 12) -> list[str]:
    """``n`` wrong passwords of one address, five seconds apart, each in a session of its own; and people at work."""
    lines = ["Jan 12 07:00:01 bastion01 CRON[811]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
             f"Jan 12 07:00:30 bastion01 sshd[900]: Accepted publickey for ada from {OFFICE} port 50022 ssh2: ED25519 SHA256:k"]
    for i in range(n):
        at = f"Jan 12 07:{1 + i * 5 // 60:02}:{i * 5 % 60:02} bastion01 sshd[{1000 + i}]:"
        lines += [f"{at} Invalid user admin{i % 3} from {GUESSER} port {40000 + i}",
                  f"{at} Failed password for invalid user admin{i % 3} from {GUESSER} port {40000 + i} ssh2"]
    return lines


def web_lines(n: int = 30) -> list[str]:
    """``n`` requests for scripts that are not there, two a second; and a page view."""
    lines = [f'{OFFICE} - - [12/Jan/2026:07:00:05 +0000] "GET / HTTP/2.0" 200 5120 "-" "{BROWSER}"']
    for i in range(n):
        at = f"12/Jan/2026:07:05:{i // 2:02} +0000"
        lines.append(f'{PROBER} - - [{at}] "GET /backup{i}.php HTTP/1.1" 404 153 "-" "{BROWSER}"')
    return lines


def written(folder: Path) -> Events:
    """Both logs as files, the first one compressed."""
    auth, web = folder / "auth.0.log.gz", folder / "access.0.log"
    first, second = auth_lines(), web_lines()
    auth.write_bytes(gzip.compress("".join(f"{line}\n" for line in first).encode()))
    web.write_text("".join(f"{line}\n" for line in second), encoding="utf-8")
    files = (EventFile(auth, "logs/linux_auth/auth.0.log.gz", "linux_auth", "rfc3164", lines=len(first)),
             EventFile(web, "logs/nginx_access/access.0.log", "nginx_access", "combined", lines=len(second)))
    about = {"linux_auth": {"product": "linux", "service": "auth"}, "nginx_access": {"category": "webserver"}}
    return Events(files, about, NEAR, root=folder)
