"""What workers' parent does about signals."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from redgen.pipeline.workers import uninterrupted


def test_an_interrupt_waits_for_the_body() -> None:
    done = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("all of it")
    assert done
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_amid_a_fork_is_not_lost() -> None:
    """What is raised in a hook of a fork is printed and forgotten, and the rest of that hook is not done."""
    strikes = [signal.SIGINT]
    os.register_at_fork(after_in_parent=lambda: signal.raise_signal(strikes.pop()) if strikes else None)
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    assert not strikes


def test_other_threads_may_start_workers() -> None:
    ran = []

    def body() -> None:
        with uninterrupted():
            ran.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert ran
