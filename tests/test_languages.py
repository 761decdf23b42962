"""Servers in other languages: their tools, and the threads that their runtimes keep for themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Grade, require_language
from evidence_samples import PID, STUCK, THREAD, WAIT, with_thread

from grader.arena import languages
from grader.arena.languages import toolchain
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.sandbox import WRITABLE
from grader.evidence import runtimes
from grader.evidence.records import ThreadSample, WaitKind
from grader.judgement.budget import Account, Budget
from grader.judgement.explain import standings
from grader.judgement.io_model import Scene, observe
from grader.judgement.lifelines import Lifelines
from grader.judgement.proof import Proof, Refusal, prove
from grader.report.model import Basis, Verdict


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    languages._located.cache_clear()
    yield
    languages._located.cache_clear()


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


# Tools.


def test_a_toolchain_in_a_folder_of_its_own_is_shown_to_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = program(tmp_path / "go1.23" / "bin" / "go")
    (tmp_path / "go1.23" / "VERSION").write_text("go1.23")
    (tmp_path / "shortcut").symlink_to(go.parent)
    monkeypatch.setenv("PATH", str(tmp_path / "shortcut"))

    found = toolchain(".go")

    assert found.words("{go} build", {}) == (str(go), "build")
    assert found.shown == (tmp_path / "go1.23",)


def test_packages_that_are_compiled_already_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = program(tmp_path / "go" / "bin" / "go")
    (tmp_path / "go" / "VERSION").write_text("go1.19")
    monkeypatch.setenv("PATH", str(go.parent))
    bare = toolchain(".go").environment

    program(tmp_path / "go" / "pkg" / "linux_amd64" / "net.a")

    assert {
        name: (bare[name], value) for name, value in toolchain(".go").environment.items() if value != bare[name]
    } == {"CGO_ENABLED": ("0", "1")}


def test_of_a_program_among_somebodys_files_only_the_program_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = program(tmp_path / "home" / "bin" / "node")
    (tmp_path / "home" / "secret").write_text("mine")
    monkeypatch.setenv("PATH", str(node.parent))

    assert toolchain(".js").shown == (node,)


def test_behind_rustups_wrapper_stands_the_toolchain_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rustc = program(tmp_path / "stable" / "bin" / "rustc")
    (tmp_path / "stable" / "lib" / "rustlib").mkdir(parents=True)
    wrapper = program(tmp_path / "bin" / "rustup")
    wrapper.write_text(f"#!/bin/sh\necho {tmp_path}/stable\n")
    (tmp_path / "bin" / "rustc").symlink_to("rustup")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")

    found = toolchain(".rs")

    assert found.tools == {"rustc": str(rustc)}
    assert found.shown == (tmp_path / "stable",)


def test_a_tool_that_is_not_installed_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert toolchain(".js").words("{node} {entry}", {"entry": "server.js"}) == ("node", "server.js")
    assert toolchain(".sh").language.run == "./{entry}"


@pytest.mark.parametrize(("name", "tool"), [("server.zig", "no-zig"), ("server.rb", "no-ruby")])
def test_a_missing_toolchain_is_the_machines_fault_and_not_the_students(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch, name: str, tool: str
) -> None:
    build = f"{{{tool}}}" if name == "server.zig" else ""
    absent = languages.Language("made up", build, f"{{{tool}}} {{entry}}", (tool,))
    monkeypatch.setitem(languages.LANGUAGES, Path(name).suffix, absent)

    with pytest.raises(ArenaUnavailableError, match=f"this machine cannot run {tool}"):
        grade_source("", name=name, head=f"server: {{entry: {name}}}")


# Threads that a runtime keeps for itself.

JAVA = "/usr/lib/jvm/java-17-openjdk-amd64/bin/java"


def thread(tid: int, name: str) -> ThreadSample:
    return replace(THREAD, tid=tid, name=name)


def marks(monkeypatch: pytest.MonkeyPatch, exe: str, *names: str) -> list[bool]:
    monkeypatch.setattr(os, "readlink", lambda _: exe)
    samples = [thread(PID + number, name) for number, name in enumerate(names)]
    return [sample.runtime for sample in runtimes.marked(samples, WRITABLE)]


def test_the_threads_of_a_java_machine_are_told_from_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("java", "java", "VM Thread", "VM Periodic Tas", "Thread-0", "pool-1-thread-1")

    assert marks(monkeypatch, JAVA, *names) == [True, False, True, True, False, False]


def test_of_several_threads_with_a_name_of_the_machines_only_the_first_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("java", "java", "VM Periodic Tas", "VM Periodic Tas")

    assert marks(monkeypatch, JAVA, *names) == [True, False, True, False]


@pytest.mark.parametrize("exe", ["/usr/bin/python3.11", "/submission/java", "/tmp/java", "/home/student/bin/java"])  # noqa: S108
def test_no_other_program_has_threads_that_do_not_count(monkeypatch: pytest.MonkeyPatch, exe: str) -> None:
    assert marks(monkeypatch, exe, "java", "VM Thread", "VM Periodic Tas") == [False, False, False]


def test_a_runtime_is_known_by_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for exe in (JAVA, "/usr/bin/node", "/usr/bin/nodejs", "/submission/node", "/usr/bin/python3"):
        monkeypatch.setattr(os, "readlink", lambda _, exe=exe: exe)
        found.append(runtimes.runtime_of(PID, WRITABLE))
    monkeypatch.undo()

    assert found == ["java", "node", "node", None, None]
    assert runtimes.runtime_of(1 << 30, WRITABLE) is None


def test_a_timed_wait_of_the_runtimes_is_no_obstacle_to_a_proof() -> None:
    helper = replace(THREAD, tid=PID + 1, name="VM Thread", runtime=True)
    timed = replace(WAIT, tid=PID + 1, kind=WaitKind.FUTEX, call="futex", reads=(), limit=5.0, runtime=True)
    evidence = replace(
        STUCK,
        first=replace(STUCK.first, threads=(*STUCK.first.threads, helper)),
        second=replace(STUCK.second, threads=(*STUCK.second.threads, helper)),
        waits=(*STUCK.waits, timed),
    )

    assert isinstance(prove(evidence), Proof)
    assert isinstance(prove(replace(evidence, waits=(*STUCK.waits, replace(timed, runtime=False)))), Refusal)
    assert [standing.tid for standing in standings(evidence)] == [PID]


@pytest.mark.parametrize("runtime", [True, False])
def test_what_the_runtime_does_by_itself_uses_up_no_patience_and_is_not_drawn(*, runtime: bool) -> None:
    account, lifelines = Account(Budget(), 0), Lifelines()
    for switches in range(5):
        look = with_thread(runtime=runtime, counters=replace(THREAD.counters, switches=switches)).first
        wait = replace(WAIT, limit=1.0, runtime=runtime)
        account.add(look, (wait,))
        lifelines.add(look, (wait,))

    assert account.wakeups == (0 if runtime else 4)
    assert bool(lifelines.stretches()) is not runtime


def test_threads_that_a_runtime_adds_are_nobodys_workers() -> None:
    def scene(clients: int, extra: int) -> Scene:
        added = tuple(replace(THREAD, tid=PID + 1 + n, runtime=True) for n in range(extra))
        return Scene(clients, replace(STUCK.first, threads=(THREAD, *added)), STUCK.processes, STUCK, STUCK.sockets)

    assert observe([scene(0, 0), scene(4, 4)]).workers == "single"


# In the arena.

ONE_AT_A_TIME = """\
import java.net.*;
public final class Server {
    public static void main(String[] words) throws Exception {
        try (ServerSocket listener = new ServerSocket(Integer.parseInt(words[0]), 100)) {
            while (true) {
                try (Socket one = listener.accept()) {
                    byte[] data = new byte[4096];
                    for (int n; (n = one.getInputStream().read(data)) > 0; ) {
                        one.getOutputStream().write(new String(data, 0, n, "latin1").toUpperCase().getBytes("latin1"));
                    }
                }
            }
        }
    }
}
"""
IN_DISGUISE = """\
import java.net.*;
import java.util.concurrent.*;
public final class Server {
    public static void main(String[] words) throws Exception {
        ConcurrentLinkedQueue<Socket> waiting = new ConcurrentLinkedQueue<>();
        new Thread(() -> {
            Thread.currentThread().setName("VM Periodic Task Thread");
            while (true) {
                try {
                    Thread.sleep(200);
                    for (Socket one : waiting) {
                        byte[] data = new byte[4096];
                        while (one.getInputStream().available() > 0) {
                            int n = one.getInputStream().read(data);
                            byte[] reply = new String(data, 0, n, "latin1").toUpperCase().getBytes("latin1");
                            one.getOutputStream().write(reply);
                        }
                    }
                } catch (Exception left) {
                }
            }
        }).start();
        try (ServerSocket listener = new ServerSocket(Integer.parseInt(words[0]), 100)) {
            while (true) {
                waiting.add(listener.accept());
            }
        }
    }
}
"""
JAVA_HEAD = "server: {entry: Server.java}"


@pytest.fixture
def java(tmp_path: Path) -> None:
    """Java is installed; elsewhere than in CI the test is skipped without it."""
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "Server.java").touch()
    require_language(tmp_path / "asked")


@pytest.mark.usefixtures("java")
def test_a_java_server_that_serves_one_at_a_time_is_proved_stuck(grade_source: Grade) -> None:
    report = grade_source(ONE_AT_A_TIME, "- behaviour: concurrent_clients", name="Server.java", head=JAVA_HEAD)

    (check,) = report.checks
    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert "its only thread is in read(fd" in check.summary


@pytest.mark.usefixtures("java")
def test_a_thread_that_takes_a_name_of_the_machines_still_counts(grade_source: Grade) -> None:
    report = grade_source(IN_DISGUISE, "- behaviour: concurrent_clients", name="Server.java", head=JAVA_HEAD)

    assert [check.verdict for check in report.checks] == [Verdict.PASS]


LOCKED = """\
package main

import (
	"bytes"
	"net"
	"os"
	"runtime"
)

func stay() {
	runtime.LockOSThread()
	select {}
}

func serve(connection net.Conn) {
	defer connection.Close()
	data := make([]byte, 4096)
	for {
		count, err := connection.Read(data)
		if err != nil {
			return
		}
		connection.Write(bytes.ToUpper(data[:count]))
	}
}

func main() {
	listener, _ := net.Listen("tcp", ":"+os.Args[1])
	for {
		connection, _ := listener.Accept()
		go stay()
		go serve(connection)
	}
}
"""


def test_how_many_threads_gos_runtime_has_says_nothing_of_the_server(tmp_path: Path, grade_source: Grade) -> None:
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "server.go").touch()
    require_language(tmp_path / "asked")
    checks = "- {behaviour: disconnect, how: fin, clients: 2}\n- {behaviour: thread_ceiling, at_most: 1}"

    report = grade_source(LOCKED, checks, name="server.go", head="server: {entry: server.go}")

    assert [check.verdict for check in report.checks] == [Verdict.PASS, Verdict.INCONCLUSIVE]


CPLUSPLUS = """\
#include <cctype>
#include <string>
#include <thread>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int, char **words) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(std::stoi(words[1]));
    bind(listener, reinterpret_cast<sockaddr *>(&here), sizeof here);
    listen(listener, 100);
    for (;;) {
        int one = accept(listener, nullptr, nullptr);
        std::thread([one] {
            std::string data(4096, '\\0');
            for (ssize_t n; (n = read(one, data.data(), data.size())) > 0;) {
                for (ssize_t i = 0; i < n; i++) data[i] = std::toupper(data[i]);
                for (ssize_t done = 0, m; done < n; done += m)
                    if ((m = write(one, data.data() + done, n - done)) < 0) break;
            }
            close(one);
        }).detach();
    }
}
"""


def test_a_server_in_cplusplus_is_built_and_served(grade_source: Grade, tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "server.cpp").touch()
    require_language(tmp_path / "asked")

    report = grade_source(
        CPLUSPLUS,
        "- behaviour: echo\n- behaviour: io_model",
        name="server.cpp",
        head="server: {entry: server.cpp}\nmodel: threads",
    )

    assert [check.verdict for check in report.checks] == [Verdict.PASS, Verdict.PASS]
    assert report.submission.language == "c++"


@pytest.mark.usefixtures("java")
def test_an_instructors_own_commands_may_name_the_tools(grade_source: Grade) -> None:
    report = grade_source(
        ONE_AT_A_TIME.replace("class Server", "class Main"),
        name="Main.java",
        head="""\
            server:
              entry: Main.java
              build: "{javac} -d out {entry}"
              run: "{java} -Xmx{heap}m -cp out Main {port}"
        """,
    )

    assert [check.verdict for check in report.checks] == [Verdict.PASS]
