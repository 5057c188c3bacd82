"""What campaigns of the bundled graphs do is what their titles say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from redgen.activity import calls, ssh
from redgen.activity.terms import AUTH_OPS, AUTH_RESULTS, CLOUD_ERRORS, SHELL_OPS
from redgen.clock import HOUR, MINUTE, SECOND
from redgen.playbook.campaign import Campaign
from redgen.table import Table, concat
from redgen.world.cloud import PRINCIPAL_TYPES
from tests.actions.stages import campaigns, columns, shop

OP = {word: k for k, word in enumerate(AUTH_OPS)}
RESULT = {word: k for k, word in enumerate(AUTH_RESULTS)}
SHELL = {word: k for k, word in enumerate(SHELL_OPS)}


def all_rows(runs: list[Campaign], kind: str) -> Table:
    """All rows of a kind."""
    return concat([c.activity[kind] for c in runs if kind in c.activity])


def step_rows(campaign: Campaign, step: str, kind: str) -> Table:
    """The rows of one step."""
    truths = [p.truth for p in campaign.steps if p.step_id == step]
    table = campaign.activity[kind]
    return table.take(np.isin(table["truth"], truths))


def test_stuffing_fails_nearly_always_and_comes_from_many_places(tmp_path: Path) -> None:
    runs = campaigns("ato-credential-stuffing", tmp_path, count=20, days=20)
    auth = all_rows([c for c in runs if "stuff_spread" in c.path], "auth")
    tried = auth["op"] == OP["password"]
    wrong = np.isin(auth["result"], (RESULT["bad_password"], RESULT["unknown_user"], RESULT["locked"]))
    assert 0.9 < wrong[tried].mean() < 1.0
    assert len(np.unique(auth["client"][tried])) > 60
    assert (auth["typed"][auth["result"] == RESULT["unknown_user"]] >= 0).all()


def test_a_login_is_one_request_and_one_answer_from_one_place(tmp_path: Path) -> None:
    for c in campaigns("ato-credential-stuffing", tmp_path, count=8):
        http, auth = c.activity["http"], c.activity["auth"]
        posts = np.isin(http["route"], shop().routes.of_kind("login_post")) & (http["status"] != 429)
        assert posts.sum() == (auth["op"] == OP["password"]).sum()
        assert set(auth["client"].tolist()) <= set(http["client"].tolist())
        assert set(c.activity["flow"]["orig"].tolist()) == set(http["client"].tolist())


def test_what_fitted_is_used_later_and_owners_are_locked_out(tmp_path: Path) -> None:
    runs = campaigns("ato-credential-stuffing", tmp_path, count=60, days=30)
    taken = [c for c in runs if "change_password" in c.path]
    assert taken
    for c in taken:
        victims = {e.subject for e in c.effects if e.kind == "password_reset"}
        changed = c.activity["auth"]["user"][c.activity["auth"]["op"] == OP["change_password"]]
        assert victims == set(changed.tolist())
        tried = [s for s in ("try_list", "stuff_plain", "stuff_rest", "stuff_spread", "stuff_browser") if s in c.path]
        fitted = concat([step_rows(c, s, "auth") for s in tried])
        cracked = set(fitted["user"][(fitted["op"] == OP["session_start"])].tolist())
        assert victims <= cracked
        verified = step_rows(c, "verify", "http")
        assert set(verified["actor"].tolist()) <= cracked


def test_twelve_passwords_lock_accounts(tmp_path: Path) -> None:
    lines = "  with: {passwords: 12, success_rate: 0, pace: 20}\n"
    runs = campaigns("ato-credential-stuffing", tmp_path, count=12, lines=lines)
    locked = [c for c in runs if any(e.kind == "account_locked" for e in c.effects)]
    assert locked
    auth = locked[0].activity["auth"]
    subjects = {e.subject for e in locked[0].effects}
    assert subjects == set(auth["user"][auth["op"] == OP["lock"]].tolist())


def test_prompts_end_with_an_answer_and_an_approval_opens_a_session(tmp_path: Path) -> None:
    runs = campaigns("ato-mfa-fatigue", tmp_path, count=40, days=14)
    auth = all_rows(runs, "auth")
    assert (auth["op"] == OP["push_sent"]).sum() == (auth["op"] == OP["push_answer"]).sum() > 100
    inside = [c for c in runs if "look_around" in c.path and "bomb" in c.path]
    assert inside
    for c in inside:
        opened = step_rows(c, c.path[c.path.index("look_around") - 1], "auth")
        session = opened["session"][opened["op"] == OP["session_start"]]
        used = step_rows(c, "look_around", "auth")["session"]
        assert len(session) == 1 and (used == session[0]).all() and session[0] > 0


def test_prompts_come_within_the_hour_and_not_like_clockwork(tmp_path: Path) -> None:
    for c in campaigns("ato-mfa-fatigue", tmp_path, count=20, days=10):
        if "bomb" not in c.path:
            continue
        rows = step_rows(c, "bomb", "auth")
        t = np.sort(rows["t"][rows["op"] == OP["push_sent"]])
        gaps = np.diff(t)
        assert c.path.count("bomb") > 1 or t[-1] - t[0] < 3 * HOUR
        assert len(gaps) < 4 or np.std(gaps) > 0.1 * np.mean(gaps)


def test_an_administrator_acts_on_somebody_else(tmp_path: Path) -> None:
    auth = all_rows(campaigns("ato-mfa-fatigue", tmp_path, count=60, days=14), "auth")
    reset = auth["op"] == OP["factor_reset_all"]
    assert reset.any()
    assert (auth["target"][reset] != auth["user"][reset]).all() and (auth["target"][reset] >= 0).all()
    enrolled = auth["op"] == OP["factor_activate"]
    assert enrolled.any() and (auth["target"][enrolled] == auth["user"][enrolled]).all()


def test_objects_follow_one_another_until_the_service_is_mended(tmp_path: Path) -> None:
    lines = "  with: {hardens: 0.35, harvest: 800, allowed: 100000}\n"
    runs = campaigns("api-bola-enumeration", tmp_path, count=30, days=14, lines=lines)
    harvests = [c for c in runs if "harvest" in c.path]
    assert harvests
    for c in harvests:
        obj, status, method = columns({"http": step_rows(c, "harvest", "http")}, "http", "obj", "status", "method")
        assert (np.diff(obj) == 1).mean() > 0.98 and not method.any()
        refused = np.flatnonzero(status == 403)
        assert refused[0] > 0.6 * len(status) and (status[refused[0]:] == 403).mean() > 0.98
        assert 0.5 < (status[: refused[0]] == 200).mean() < 1.0


def test_a_revoked_token_fails_for_its_owner(tmp_path: Path) -> None:
    runs = campaigns("api-bola-enumeration", tmp_path, count=40, days=14)
    revoked = [e for c in runs for e in c.effects]
    assert revoked and {e.kind for e in revoked} == {"token_revoked"}


def test_a_new_key_is_used_by_the_user_it_was_made_for(tmp_path: Path) -> None:
    world = shop()
    make = int(calls.codes(world, ["iam:CreateAccessKey"])[0])
    runs = [c for c in campaigns("api-leaked-aws-key", tmp_path, count=80, days=30) if "use_new_key" in c.path]
    ways = {c.path[c.path.index("use_new_key") - 1] for c in runs}
    assert ways == {"persist_user", "persist_key"}
    for c in runs:
        cloud = c.activity["cloud"]
        made = cloud.take((cloud["op"] == make) & (cloud["error"] < 0))
        used = step_rows(c, "use_new_key", "cloud")
        assert (used["key"] == made["new"][-1]).all()
        names = world.cloud.resources.name
        assert world.cloud.principals.name[int(used["principal"][0])] == names[int(made["res"][-1])]
        assert used["t"].min() > made["t"].min()
        assert set(used["client"].tolist()).isdisjoint(made["client"].tolist())


def test_a_new_user_is_one_nobody_has_seen(tmp_path: Path) -> None:
    world = shop()
    born = int(calls.codes(world, ["iam:CreateUser"])[0])
    rows = all_rows(campaigns("api-leaked-aws-key", tmp_path, count=80, days=30), "cloud")
    made = rows.take((rows["op"] == born) & (rows["error"] < 0))
    assert len(made) and (world.cloud.resources.account[made["res"]] == -1).all()


def test_a_role_is_assumed_before_it_is_used(tmp_path: Path) -> None:
    runs = [c for c in campaigns("api-leaked-aws-key", tmp_path, count=80, days=30) if "as_role" in c.path]
    assert runs
    for c in runs:
        assume, used = step_rows(c, "assume", "cloud"), step_rows(c, "as_role", "cloud")
        last = int(np.argmax(assume["t"]))
        assert assume["error"][last] == -1
        assert (np.delete(assume["error"], last) == CLOUD_ERRORS.index("AccessDenied")).all()
        assert (used["key"] == assume["new"][last]).all() and (used["session_t"] >= assume["t"][last]).all()
        assert shop().cloud.principals.service[used["principal"][0]] < 0
        assert PRINCIPAL_TYPES[shop().cloud.principals.type[used["principal"][0]]] == "AssumedRole"


def test_a_policy_denies_the_same_calls_every_time(tmp_path: Path) -> None:
    for c in campaigns("api-leaked-aws-key", tmp_path, count=20, days=14):
        cloud = c.activity["cloud"]
        single = calls.codes(shop(), ["s3:GetObject", "sts:AssumeRole"])
        own = cloud.take((cloud["key"] == 0) & ~np.isin(cloud["op"], single))
        for op in np.unique(own["op"]).tolist():
            assert len(np.unique(own["error"][own["op"] == op])) == 1


def test_tries_per_address_are_as_measured(tmp_path: Path) -> None:
    lines = "  counts: {swarm: 700}\n  with: {tries: 20000, pace: 0.3}\n"
    runs = campaigns("ssh-distributed-brute-force", tmp_path, count=6, days=9, lines=lines)
    runs = [c for c in runs if "sweep" in c.path]
    rows = step_rows(runs[0], "sweep", "flow")
    _, counts = np.unique(rows["orig"], return_counts=True)
    assert len(counts) > 300
    assert 0.45 < (counts == 30).mean() < 0.7  # 58 % of addresses make exactly 30 tries (rita, measured)
    assert 0.1 < (counts == 1).mean() < 0.3    # 19 %
    assert counts.max() <= 465


def test_a_foothold_begins_with_the_password_that_fitted(tmp_path: Path) -> None:
    lines = "  with: {found: 1}\n"
    runs = campaigns("ssh-distributed-brute-force", tmp_path, count=20, days=20, lines=lines)
    runs = [c for c in runs if "enter" in c.path]
    assert len(runs) > 4
    for c in runs:
        tried = concat([step_rows(c, s, "shell") for s in ("sweep", "sweep_hard") if s in c.path])
        door = tried.take(tried["op"] == SHELL["accepted"])
        inside = step_rows(c, "enter", "shell")
        assert len(door) == 1
        assert (inside["host"] == door["host"][0]).all() and (inside["user"] == door["user"][0]).all()
        assert inside["t"].min() > door["t"][0]


def test_a_backdoor_is_typed_and_then_there(tmp_path: Path) -> None:
    lines = "  with: {found: 1}\n"
    runs = campaigns("ssh-distributed-brute-force", tmp_path, count=40, days=30, lines=lines)
    runs = [c for c in runs if "backdoor" in c.path]
    rows, hosts = step_rows(runs[0], "backdoor", "shell"), shop().hosts
    made = rows.take(np.isin(rows["op"], [SHELL[o] for o in ("useradd", "usermod_sudo", "passwd_changed")]))
    assert len(made) == 3
    (name,) = {hosts.unix_names[int(k)] for k in made["name"]}
    typed = [hosts.commands[int(k)] for k in rows["command"][rows["op"] == SHELL["sudo"]]]
    assert any(text.endswith(f"bash {name}") for text in typed)
    assert len(np.unique(rows["conn"])) == 1


def test_beacons_keep_their_measured_period(tmp_path: Path) -> None:
    lines = "  with: {found: 1}\n"
    runs = campaigns("ssh-distributed-brute-force", tmp_path, count=40, days=30, lines=lines)
    calls_home = [c for c in runs if "call_home_dns" in c.path]
    t = np.sort(step_rows(calls_home[0], "call_home_dns", "dns")["t"])
    gaps = np.diff(t) / SECOND
    assert gaps.min() >= 199 and gaps.max() <= 351 and abs(gaps.mean() - 275) < 20  # 200-350 s (rita, measured)
    assert (all_rows(calls_home, "dns")["label"] > 0).all()


def test_ssh_answers_come_from_the_builders(tmp_path: Path) -> None:
    runs = campaigns("ssh-distributed-brute-force", tmp_path, count=5)
    shell, flow = all_rows(runs, "shell"), all_rows(runs, "flow")
    refused = shell["op"] == SHELL["failed_password"]
    assert refused.sum() > 500
    assert (shell["n"][refused] <= ssh.MAX_TRIES).all()
    assert set(flow["rport"].tolist()) <= {22, 443}


def test_an_office_comes_from_one_address(tmp_path: Path) -> None:
    world = shop()
    for c in campaigns("office-nat-egress", tmp_path, count=4, days=3):
        client = step_rows(c, "sign_in", "auth")["client"]
        _, counts = np.unique(client, return_counts=True)
        assert counts.max() > 20 and np.isin(world.offices.egress, client).any()


def test_a_backup_reads_by_night_from_its_own_place(tmp_path: Path) -> None:
    world = shop()
    get = int(calls.codes(world, ["s3:GetObject"])[0])
    for c in campaigns("backup-job", tmp_path, count=3, days=3):
        cloud = c.activity["cloud"]
        read = cloud.take(cloud["op"] == get)
        assert len(read) > 500 and (read["error"] < 0).all()
        who = int(read["principal"][0])
        assert (read["client"] == world.cloud.principals.addr[who]).all()
        assert (read["t"] // HOUR % 24).min() >= 1 and (read["t"] // HOUR % 24).max() <= 9


def test_a_password_manager_fails_from_home_and_then_gets_in(tmp_path: Path) -> None:
    runs = campaigns("password-manager-retry", tmp_path, count=12, days=3)
    for c in runs:
        auth = c.activity["auth"]
        assert len(np.unique(auth["user"][auth["user"] >= 0])) == 1
        first = step_rows(c, "fill", "auth")
        assert len(np.unique(first["client"])) == 1
    assert any("reset" in c.path for c in runs) and any(c.path == ("fill",) for c in runs)


def test_a_mailing_brings_thousands_who_load_pages_like_everybody(tmp_path: Path) -> None:
    (run, *_) = campaigns("marketing-flood", tmp_path, count=2, days=2)
    http = run.activity["http"]
    first = step_rows(run, "open", "http")
    assert len(np.unique(first["client"])) > 300
    assert (http["ref"] <= -2).sum() > 300
    minutes = first["t"] // MINUTE
    assert np.bincount(minutes - minutes.min()).argmax() < 25
