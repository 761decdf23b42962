"""Duty and budgets: figures in the server's own terms, which a loaded machine does not change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_samples import THREAD, WAIT

from grader.evidence.records import Counters, Pass, SystemCall, ThreadSample
from grader.judgement.budget import Account, Budget, Spent
from grader.judgement.duty import Duty, Movers, Passing, Turns, measure

SECOND = 1_000_000_000


def sample(at: float, cpu: float, delay: float, tid: int = THREAD.tid, **changes: object) -> ThreadSample:
    counters = Counters(int(at * 10), int(cpu * SECOND), int(delay * SECOND), 1)
    return replace(THREAD, tid=tid, at_ns=int(at * SECOND), counters=counters, **changes)  # type: ignore[arg-type]


def look(at: float, *threads: ThreadSample) -> Pass:
    return Pass(int(at * SECOND), int(at * SECOND), threads)


@pytest.mark.parametrize(
    ("wall", "cpu", "delay", "duty"),
    [
        (1.0, 1.0, 0.0, 1.0),  # a busy loop alone
        (5.0, 1.0, 4.0, 1.0),  # the same beside hogs: it ran whenever it was let
        (1.0, 0.02, 0.0, 0.02),  # a light poller alone
        (1.0, 0.02, 0.5, 0.04),  # the same beside hogs
        (1.0, 0.0, 0.0, 0.0),  # asleep
    ],
)
def test_duty_is_cpu_over_the_time_in_which_it_could_have_run(
    wall: float, cpu: float, delay: float, duty: float
) -> None:
    found = measure(look(0, sample(0, 7, 3)), look(wall, sample(wall, 7 + cpu, 3 + delay)))

    assert found is not None
    assert found.share == pytest.approx(duty)


def test_duty_of_threads_adds_up() -> None:
    before = look(0, sample(0, 0, 0), sample(0, 0, 0, tid=2))
    after = look(1, sample(1, 1, 0), sample(1, 0.5, 0.5, tid=2))

    found = measure(before, after)

    assert found is not None
    assert found.share == pytest.approx(2.0)


def test_time_stopped_by_a_quota_counts_as_delay() -> None:
    found = measure(look(0, sample(0, 0, 0)), look(1, sample(1, 0.5, 0)), throttled_ns=SECOND // 2)

    assert found is not None
    assert found.share == pytest.approx(1.0)


def test_a_thread_born_in_between_counts_from_its_birth() -> None:
    found = measure(look(0), look(1, sample(1, 0.5, 0)))

    assert found is not None
    assert found.share == pytest.approx(0.5)


def test_what_ended_children_have_used_counts_and_what_the_living_have_counts_once() -> None:
    before, after = look(0, sample(0, 0, 0)), look(2, sample(2, 0.2, 0))

    shares = [measure(before, after, tree_ns=round(used * SECOND)) for used in (0.1, 0.2, 1.2)]

    assert [round(found.share, 3) for found in shares if found] == [0.1, 0.1, 0.6]


def test_children_who_come_one_after_the_other_count_as_one_that_was_kept_off_the_cpu_for_all_their_delays() -> None:
    main = [look(at, sample(at, 0, 0)) for at in (0, 10)]
    looks = [
        look(at, sample(at, 0, 0), sample(at, cpu, delay, tid=child))
        for child, began in ((2, 0), (3, 5))
        for at, cpu, delay in ((began + 1, 0.0, 1.0), (began + 4, 0.1, 3.9))
    ]
    passing = Passing(main[0])
    for one in looks:
        passing.add(one)

    for last in (main[1], looks[-1]):
        found = measure(main[0], last, tree_ns=round(0.2 * SECOND), passing=passing)
        seconds = last.ended_ns / SECOND

        assert found is not None
        assert found.share == pytest.approx(0.2 / (seconds - 7.8))
        assert found.own_seconds == pytest.approx(seconds - 7.8)


def test_children_who_are_there_together_are_kept_off_the_cpu_each_for_itself() -> None:
    main = [look(at, sample(at, 0, 0)) for at in (0, 10)]
    passing = Passing(main[0])
    for at, cpu, delay in ((1, 0.0, 0.0), (9, 0.3, 7.0)):
        passing.add(look(at, sample(at, 0, 0), *(sample(at, cpu, delay, tid=child) for child in (2, 3))))

    found = measure(main[0], main[1], tree_ns=round(0.6 * SECOND), passing=passing)

    assert found is not None
    assert found.share == pytest.approx(0.1 + 0.1)


def test_what_a_thread_had_used_before_it_ended_counts_without_what_it_had_used_at_first() -> None:
    before = look(0, sample(0, 7, 3), sample(0, 0, 0, tid=2))
    passing = Passing(before)
    passing.add(look(1, sample(1, 7.5, 3), sample(1, 0, 0, tid=2)))

    found = measure(before, look(2, sample(2, 0, 0, tid=2)), passing=passing)

    assert found is not None
    assert found.share == pytest.approx(0.25)


def test_without_schedstat_there_is_no_duty() -> None:
    blind = replace(THREAD, counters=Counters(1))

    assert measure(look(0, blind), look(1, blind)) is None


def test_a_spinning_server_spends_cpu_time_whatever_the_wall_clock_says() -> None:
    account = Account(Budget(cpu=1.0, wall=20.0), began_ns=0)
    account.add(look(0, sample(0, 0, 0)), ())
    account.add(look(9, sample(9, 0.9, 8)), ())
    assert account.spent(9 * SECOND) is None

    account.add(look(10, sample(10, 1.0, 9)), ())

    spent = account.spent(10 * SECOND)
    assert spent is not None
    assert spent.busy
    assert not spent.starved


def test_a_timed_wait_spends_wake_ups() -> None:
    account = Account(Budget(wakeups=5), began_ns=0)
    timed = (replace(WAIT, limit=0.1),)
    account.add(look(0, sample(0, 0, 0)), timed)
    account.add(look(0.4, sample(0.4, 0, 0)), timed)
    assert account.spent(SECOND) is None

    account.add(look(0.5, sample(0.5, 0, 0)), timed)

    spent = account.spent(SECOND)
    assert spent is not None
    assert "woke 5 times" in spent.reason


def test_wake_ups_do_not_count_while_another_thread_wants_to_run() -> None:
    """One thread that polls must not use up the patience that another, kept off the CPU, still needs."""
    account = Account(Budget(wakeups=5), began_ns=0)
    timed = (replace(WAIT, limit=0.001),)
    for moment in range(4):
        runnable = sample(moment, 0, 0, tid=2, state="R", call=None)
        account.add(look(moment, sample(moment, 0, 0), runnable), timed)

    assert account.spent(4 * SECOND) is None


def test_progress_gives_the_whole_budget_back() -> None:
    account = Account(Budget(cpu=1.0), began_ns=0)
    account.add(look(0, sample(0, 0, 0)), ())
    account.add(look(1, sample(1, 0.9, 0)), ())
    account.restart(SECOND)
    account.add(look(2, sample(2, 1.8, 0)), ())

    assert account.spent(2 * SECOND) is None


def test_what_was_done_before_progress_was_seen_is_not_held_against_the_server() -> None:
    account = Account(Budget(wakeups=5, cpu=1.0), began_ns=0)
    timed = (replace(WAIT, limit=0.001),)
    account.add(look(0, sample(0, 0, 0)), timed)
    account.restart(2 * SECOND)  # between two passes: the second counts what led to it, too

    account.add(look(3, sample(3, 1.5, 0)), timed)
    assert account.spent(3 * SECOND) is None

    account.add(look(4, sample(4, 1.6, 0)), timed)
    assert account.spent(4 * SECOND) == Spent("its timed wait woke 10 times without getting any further")


def test_a_server_kept_off_the_cpu_has_its_time_when_it_gets_it() -> None:
    account = Account(Budget(wall=20.0, cpu=100.0), began_ns=0)
    account.add(look(0, sample(0, 0, 0)), ())
    account.add(look(20, sample(20, 0.1, 15)), ())
    assert account.spent(20 * SECOND) is None

    account.add(look(36, sample(36, 0.1, 16)), ())

    assert account.spent(36 * SECOND) == Spent("nothing came in 36 s", kept_off=16.0)


def test_a_server_kept_off_the_cpu_until_the_end_is_not_judged() -> None:
    account = Account(Budget(wall=20.0, total=1000.0), began_ns=0)
    account.add(look(0, sample(0, 0, 0)), ())
    account.add(look(200, sample(200, 0.1, 190)), ())

    spent = account.spent(200 * SECOND)

    assert spent is not None
    assert spent.starved


def test_one_that_waits_for_the_cpu_all_the_time_has_not_been_told_of_by_the_kernel_yet() -> None:
    """A thread's time in the run queue is added to its figures only when it gets to run."""
    account = Account(Budget(wall=5.0), began_ns=0)
    for moment in range(8):
        waiting = sample(moment, 0.1, 0, state="R", call=None)
        account.add(look(moment, replace(waiting, counters=Counters(1, SECOND, 0, 1))), ())
    assert account.spent(7 * SECOND) is None

    account.add(look(8, replace(sample(8, 0, 0), counters=Counters(1, SECOND, 7 * SECOND, 1))), ())

    assert account.delay_ns == 7 * SECOND


def unmoved(at: float, **changes: object) -> ThreadSample:
    """A thread that has not run."""
    still = replace(sample(at, 0, 0), counters=Counters(1, 0, 0, 1))
    return replace(still, **changes)  # type: ignore[arg-type]


VFORK = SystemCall("vfork", (0, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"state": "D", "call": None}, None),
        ({"state": "D", "call": VFORK}, Spent("nothing came in 6 s", kept_off=0.0)),
    ],
    ids=["by a disk", "by a child that it has let go first"],
)
def test_a_server_kept_from_running_by_the_kernel_has_its_time_later(
    changes: dict[str, object], found: Spent | None
) -> None:
    account = Account(Budget(wall=5.0, cpu=100.0), began_ns=0)
    for moment in range(7):
        account.add(look(moment, unmoved(moment, **changes)), ())

    assert account.spent(6 * SECOND) == found


def test_what_a_disk_takes_and_what_the_run_queue_takes_add_up() -> None:
    account = Account(Budget(wall=5.0, cpu=100.0), began_ns=0)
    account.add(look(0, unmoved(0)), ())
    account.add(look(3, unmoved(3, state="D", call=None)), ())
    account.add(look(6, unmoved(6, state="R", call=None)), ())
    account.add(look(8, replace(unmoved(8), counters=Counters(2, 1, 4 * SECOND, 1))), ())

    assert account.delay_ns == 3 * SECOND + 4 * SECOND


def test_time_in_which_the_grader_was_stopped_counts_for_nobody() -> None:
    account = Account(Budget(wall=5.0, cpu=100.0, total=8.0), began_ns=0)
    account.tick(1 * SECOND, 0, 0)
    account.add(look(1, sample(1, 0, 0)), ())
    account.tick(31 * SECOND, SECOND // 10, SECOND // 100)
    account.add(look(31, sample(31, 0, 0)), ())

    assert account.spent(31 * SECOND) is None
    account.tick(36 * SECOND, SECOND // 10, 5 * SECOND)
    assert account.spent(36 * SECOND) == Spent("nothing came in 6 s", kept_off=0.0)


def test_time_in_which_the_grader_waited_for_a_cpu_is_no_standstill() -> None:
    account = Account(Budget(wall=5.0, cpu=100.0), began_ns=0)
    account.tick(1 * SECOND, 0, 0)
    account.add(look(1, sample(1, 0, 0)), ())
    account.tick(7 * SECOND, 6 * SECOND, 0)
    account.add(look(7, sample(7, 0, 0)), ())

    assert account.spent(7 * SECOND) == Spent("nothing came in 7 s", kept_off=0.0)


def test_one_that_runs_is_not_taken_for_one_that_waits_for_the_cpu() -> None:
    account = Account(Budget(wall=5.0, cpu=100.0), began_ns=0)
    for moment in range(7):
        account.add(look(moment, sample(moment, moment, 0, state="R", call=None)), ())

    assert account.spent(6 * SECOND) == Spent("nothing came in 6 s", kept_off=0.0)


def test_the_time_that_it_takes_to_make_the_sandbox_and_to_take_it_away_is_not_the_servers() -> None:
    account = Account(Budget(wall=5.0), began_ns=0)
    account.add(look(4), ())
    account.add(look(5, sample(5, 0, 0)), ())
    account.add(look(6, sample(6, 0, 0)), ())
    account.add(look(7), ())
    account.add(look(12), ())
    assert account.spent(12 * SECOND) is None

    account.add(look(50), ())

    spent = account.spent(50 * SECOND)
    assert spent is not None
    assert spent.starved


def test_slow_progress_in_one_wait_after_the_other_is_too_slow_in_the_end() -> None:
    account = Account(Budget(total=120.0), began_ns=0, before_ns=115 * SECOND)
    account.add(look(0, sample(0, 0, 0)), ())
    account.restart(3 * SECOND)

    assert account.spent(4 * SECOND) is None
    spent = account.spent(6 * SECOND)
    assert spent is not None
    assert spent.reason == "it was not done after 121 s"
    assert not spent.starved


def test_what_the_grader_itself_used_is_not_charged_to_the_server() -> None:
    account = Account(Budget(total=10.0), began_ns=0, own_ns=8 * SECOND)
    account.add(look(0, sample(0, 0, 0)), ())

    assert account.spent(17 * SECOND) is None
    assert account.spent(18 * SECOND) is not None
    assert account.total(12 * SECOND) == (4 * SECOND, 0)


@pytest.mark.parametrize(
    ("share", "own", "whole_turn", "spins", "told"),
    [
        (1.0, 0.2, False, True, True),
        (1.0, 0.1, False, True, False),
        (1.0, 1.9, False, False, False),
        (1.0, 2.0, False, False, True),
        (0.01, 1.9, True, False, False),
        (0.01, 2.0, True, False, True),
        (0.01, 9.0, False, False, False),
        (0.2, 0.2, True, True, False),
        (0.2, 2.0, False, True, True),
    ],
)
def test_a_server_that_spins_is_told_soon_and_one_that_naps_after_many_turns(
    share: float, own: float, *, whole_turn: bool, spins: bool, told: bool
) -> None:
    assert Duty(share, share * own, own).told_from(0.05, whole_turn=whole_turn, spins=spins) == told


def futex(address: int) -> SystemCall:
    return SystemCall("futex", (address, 128))


LOCK = 0x7F0000001000
"""Of one interpreter: every thread waits for it whose turn it is not."""


def by_turns(wall: float, share_of_a_core: float) -> tuple[Pass, Pass]:
    """Two threads of which one runs while the other waits, given so much of a core by a loaded machine."""
    cpu = wall * share_of_a_core / 2
    before = look(0, sample(0, 0, 0, tid=1), sample(0, 0, 0, tid=2))
    runs = sample(wall, cpu, wall / 2 - cpu, tid=1, state="R", call=None)
    waits = sample(wall, cpu, wall / 2 - cpu, tid=2, call=futex(LOCK))
    return before, look(wall, runs, waits)


@pytest.mark.parametrize("share_of_a_core", [1.0, 0.5, 0.1, 0.01])
def test_threads_that_run_by_turns_are_busy_however_little_they_are_let(share_of_a_core: float) -> None:
    before, after = by_turns(10, share_of_a_core)
    movers, found = Movers(before), measure(before, after)
    movers.add(after)

    assert found is not None
    assert found.share == pytest.approx(share_of_a_core * 10 / (5 + share_of_a_core * 5))
    assert movers.by_turns(found).share == pytest.approx(1.0)


def test_what_sleeps_by_itself_is_as_quiet_as_it_was_measured() -> None:
    before = look(0, sample(0, 0, 0, tid=1), sample(0, 0, 0, tid=2))
    after = look(1, *(sample(1, 0.01, 0.4, tid=tid, call=SystemCall("poll", (tid,))) for tid in (1, 2)))
    movers, found = Movers(before), measure(before, after)
    movers.add(after)

    assert found is not None
    assert movers.by_turns(found) == found


RECEIVES = SystemCall("recvfrom", (3,))


@pytest.mark.parametrize(
    ("together", "calls"),
    [
        (True, [(None, futex(LOCK)), (futex(LOCK + 8), None)]),
        (True, [(None, None)]),
        (False, [(None, futex(LOCK)), (futex(LOCK + 8192), None)]),  # each waits for something of its own
        (False, [(None, futex(LOCK)), (None, SystemCall("poll", (1,)))]),
        (False, [(None,), (futex(LOCK),)]),  # alone
    ],
)
def test_threads_that_wait_for_one_another_are_told_from_those_that_rest(
    together: bool, calls: list[tuple[SystemCall | None, ...]]
) -> None:
    resting = sample(0, 0, 0, tid=9, call=RECEIVES)
    movers = Movers(look(0, resting, *(sample(0, 0, 0, tid=tid) for tid in (*range(len(calls[0])), 8))))
    for moment, seen in enumerate(calls, 1):
        ran = [sample(moment, moment / 10, 0, tid=tid, call=call) for tid, call in enumerate(seen)]
        ran += [sample(moment, moment / 1000, 0, tid=8, call=RECEIVES)]  # it hardly uses anything
        movers.add(look(moment, resting, *ran))

    assert movers.wait_for_one_another is together


def test_a_turn_is_over_when_every_timed_thread_has_run_and_nobody_runs_now() -> None:
    still = sample(0, 0, 0)
    before, ran = look(0, still, replace(still, tid=2)), sample(1, 0, 0)
    waits = (replace(WAIT, limit=0.5), replace(WAIT, limit=0.5, tid=2))

    def whole(now: Pass) -> bool:
        turns = Turns(before, waits)
        turns.add(now, waits)
        return turns.whole

    assert not whole(look(1, ran, replace(still, tid=2)))
    assert whole(look(1, ran, replace(ran, tid=2)))
    assert whole(look(1, ran)), "the other thread is gone"
    assert not whole(look(1, ran, replace(ran, tid=2, state="R")))


def test_a_wait_that_a_running_thread_falls_into_must_run_out_too() -> None:
    nap = (replace(WAIT, limit=0.5),)
    turns = Turns(look(0, sample(0, 0, 0, state="R")), ())

    turns.add(look(1, sample(1, 0, 0)), nap)
    assert not turns.whole, "the end of a spin is no turn"

    turns.add(look(2, sample(2, 0, 0)), nap)
    assert turns.whole


def test_a_server_that_is_stopped_for_a_second_is_told_so() -> None:
    account = Account(Budget(), began_ns=0)
    account.add(look(1, sample(1, 0, 0, state="T", call=None)), ())
    account.add(look(1.5, sample(1.5, 0, 0, state="T", call=None)), ())
    assert account.spent(int(1.5 * SECOND)) is None

    spent = account.spent(2 * SECOND)

    assert spent is not None
    assert "is stopped (SIGSTOP)" in spent.reason


def test_a_server_that_goes_on_after_a_stop_has_its_patience_back() -> None:
    account = Account(Budget(), began_ns=0)
    account.add(look(1, sample(1, 0, 0, state="T", call=None)), ())
    account.add(look(1.5, sample(1.5, 0, 0)), ())

    assert account.spent(3 * SECOND) is None
