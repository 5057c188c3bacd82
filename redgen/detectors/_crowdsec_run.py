"""A CrowdSec of our own: its configuration copied, its local API on a free port, its logs through a pipe.

A pipe, because version 1.4 stops its parsers and buckets as soon as a file ends, losing what is still under way: the
pipe is closed only when the engine has gone quiet.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from redgen.alert import RuleReport
from redgen.detectors._process import last_words, run, stop
from redgen.errors import DataError

QUIET = 3.0
"""Seconds without a word after which an engine that was given everything is taken to be done."""

START = 30.0
BLOCK = 1 << 16
_COPIED = ("parsers", "scenarios", "patterns", "collections")
_PROFILE = ("name: default\nfilters: ['Alert.Remediation == true']\n"
            "decisions: [{type: ban, duration: 4h}]\non_success: break\n")


class Engine:
    """CrowdSec in a folder of its own."""

    def __init__(self, programs: Mapping[str, str], config: Path, folder: Path, timeout: float) -> None:
        self.programs, self.folder, self.timeout = programs, folder / "crowdsec", timeout
        self.settings = self.folder / "config.yaml"
        given = _yaml(config / "config.yaml").get("config_paths") or {}
        self.folder.mkdir()
        conf, data = self.folder / "conf", self.folder / "data"
        for name in _COPIED:
            if (config / name).is_dir():
                shutil.copytree(config / name, conf / name, symlinks=True)
        if not (conf / "scenarios").is_dir():
            raise DataError(f"{config}: no scenarios in there; is CrowdSec's hub installed?")
        hub = Path(given.get("hub_dir", "/var/lib/crowdsec/hub"))
        _copy_data(Path(given.get("data_dir", "/var/lib/crowdsec/data")), data, conf)
        shutil.copytree(hub, self.folder / "hub") if hub.is_dir() else (self.folder / "hub").mkdir()
        (conf / "profiles.yaml").write_text(_PROFILE, encoding="utf-8")
        (conf / "simulation.yaml").write_text("simulation: false\n", encoding="utf-8")
        (conf / "acquis.yaml").write_text("", encoding="utf-8")

    def rules(self) -> tuple[RuleReport, ...]:
        """The installed scenarios."""
        found = {}
        for file in sorted((self.folder / "conf" / "scenarios").glob("*.yaml")):
            for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                if isinstance(document, dict) and document.get("name"):
                    name = str(document["name"])
                    found[name] = RuleReport(name, str(document.get("description") or name))
        return tuple(found[name] for name in sorted(found))

    def alerts(self, log: Path, kind: str) -> Path:
        """A file with the alerts on ``log``, as cscli prints them; DataError when the engine fails."""
        out, err = self.folder / f"{kind}.json", self.folder / "cscli.err"
        with self._api():
            self._feed(log, kind)
            outcome = run([self.programs["cscli"], "-c", str(self.settings), "alerts", "list", "-l", "0", "-o", "json"],
                          out, err, timeout=self.timeout)
        if outcome.trouble:
            raise DataError(f"cscli {outcome.trouble}")
        return out

    @contextmanager
    def _api(self) -> Iterator[None]:
        """A local API with an empty database, for as long as it is needed."""
        port, secret = _free_port(), secrets.token_hex(16)
        for old in (self.folder / "data").glob("*.db*"):
            old.unlink()
        self.settings.write_text(yaml.safe_dump(self._settings(port)), encoding="utf-8")
        login = {"url": f"http://127.0.0.1:{port}", "login": "redgen", "password": secret}
        (self.folder / "login.yaml").write_text(yaml.safe_dump(login), encoding="utf-8")
        log = self.folder / "api.log"
        outcome = run([self.programs["cscli"], "-c", str(self.settings), "machines", "add", "redgen", "-p", secret,
                       "-f", str(self.folder / "unused.yaml")], log, log.with_suffix(".err"), timeout=60)
        if outcome.trouble:
            raise DataError(f"cscli machines add {outcome.trouble}")
        with log.open("wb") as words:
            process = subprocess.Popen(  # noqa: S603
                [self.programs["crowdsec"], "-c", str(self.settings), "-no-cs", "-no-capi"],
                stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True)
        try:
            _wait_for(port, process, log)
            yield
        finally:
            stop(process)

    def _settings(self, port: int) -> dict[str, Any]:
        here, conf, data = self.folder, self.folder / "conf", self.folder / "data"
        return {
            "common": {"daemonize": False, "log_media": "stdout", "log_level": "info", "working_dir": "."},
            "config_paths": {
                "config_dir": f"{conf}/", "data_dir": f"{data}/", "simulation_path": f"{conf}/simulation.yaml",
                "hub_dir": f"{here}/hub/", "index_path": f"{here}/hub/.index.json",
                "notification_dir": f"{here}/none/", "plugin_dir": f"{here}/none/"},
            "crowdsec_service": {"acquisition_path": f"{conf}/acquis.yaml", "parser_routines": 1},
            "cscli": {"output": "json"}, "prometheus": {"enabled": False},
            "db_config": {"log_level": "warning", "type": "sqlite", "db_path": f"{data}/crowdsec.db", "use_wal": True},
            "api": {"client": {"insecure_skip_verify": False, "credentials_path": f"{here}/login.yaml"},
                    "server": {"log_level": "warning", "listen_uri": f"127.0.0.1:{port}",
                               "profiles_path": f"{conf}/profiles.yaml"}}}

    def _feed(self, log: Path, kind: str) -> None:
        """Let the engine read a log through a pipe, and wait until it has nothing left to say."""
        pipe, words = self.folder / f"{kind}.pipe", self.folder / f"{kind}.log"
        os.mkfifo(pipe)
        with words.open("wb") as stream:
            process = subprocess.Popen(  # noqa: S603
                [self.programs["crowdsec"], "-c", str(self.settings), "-dsn", f"file://{pipe}", "-type", kind,
                 "-no-api", "-no-capi"], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True)
        try:
            end = _poured(log, pipe, process, words, time.monotonic() + self.timeout)
            _quiet(words, process, end)
            os.close(end)
            if process.wait(max(60.0, self.timeout)):
                raise DataError(f"crowdsec ended with exit code {process.returncode}: {last_words(words)}")
        except subprocess.TimeoutExpired:
            raise DataError(f"crowdsec did not end: {last_words(words)}") from None
        finally:
            stop(process)


def _poured(log: Path, pipe: Path, process: subprocess.Popen[bytes], words: Path, until: float) -> int:
    """Write a log into a pipe; the pipe's open end. DataError when the engine ends or takes too long."""
    end = -1
    while end < 0:
        try:
            end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            _still(process, words, until)
            time.sleep(0.05)
    with log.open("rb") as stream:
        while block := stream.read(BLOCK):
            while block:
                try:
                    block = block[os.write(end, block):]
                except BlockingIOError:
                    _still(process, words, until)
                    time.sleep(0.02)
                except BrokenPipeError:
                    raise DataError(f"crowdsec stopped reading: {last_words(words)}") from None
    return end


def _still(process: subprocess.Popen[bytes], words: Path, until: float) -> None:
    if process.poll() is not None:
        raise DataError(f"crowdsec ended with exit code {process.returncode}: {last_words(words)}")
    if time.monotonic() > until:
        raise DataError("crowdsec took too long and was stopped")


def _quiet(words: Path, process: subprocess.Popen[bytes], end: int) -> None:  # noqa: ARG001  -- it keeps the pipe open
    """Wait until the engine has said nothing for a while."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET and process.poll() is None:
        if words.stat().st_size != size:
            size, since = words.stat().st_size, time.monotonic()
        time.sleep(0.1)


def _copy_data(source: Path, target: Path, conf: Path) -> None:
    """Copy the data files of scenarios, but no database; Debian's package names some by their address, not as asked."""
    target.mkdir()
    for file in source.glob("*") if source.is_dir() else ():
        if file.is_file() and ".db" not in file.name:
            shutil.copy(file, target / file.name)
    for item in sorted(conf.rglob("*.yaml")):
        for document in yaml.safe_load_all(item.read_text(encoding="utf-8")):
            for data in (document.get("data") or ()) if isinstance(document, dict) else ():
                wanted, other = target / str(data.get("dest_file")), target / str(data.get("source_url")).split("/")[-1]
                if not wanted.exists() and other.exists():
                    shutil.copy(other, wanted)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise DataError(f"crowdsec's local API did not start: {last_words(log)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _yaml(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read CrowdSec's {file}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise DataError(f"{file}: not YAML: {str(error).splitlines()[0]}") from None
    return found if isinstance(found, dict) else {}
