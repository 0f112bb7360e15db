# SPDX-License-Identifier: GPL-2.0-or-later
"""How does pfnlab read another suite of the machine's own mirror, and leave the system as it was?

A private apt configuration: sources made from the machine's own (URIs, signing keys, proxies), with another suite's
name in them, and state, lists and downloads in pfnlab's cache. apt checks the index's signature and every file's hash.
It works the same as root and as an ordinary user.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwtests.kernels.errors import KernelError

_LISTS_KEPT_FOR = 24 * 3600  # seconds that a suite's index is used again without asking the mirror
#: What of the machine's `Acquire::` settings is not copied: lists of things that apt would then have twice.
_OWN_DEFAULTS = ("IndexTargets", "Languages", "Changelogs", "CompressionTypes", "cdrom")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive of the machine's configuration: `uri` and, where stated, its `signed_by` (a path or a key)."""

    uri: str
    release: str
    components: tuple[str, ...]
    signed_by: str | None

    def stanza(self, suite: str) -> str:
        lines = ["Types: deb", f"URIs: {self.uri}", f"Suites: {suite}", f"Components: {' '.join(self.components)}"]
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Package:
    """A version of a package as the suite's signed index has it; `size` in bytes."""

    name: str
    version: str
    suite: str
    size: int
    sha256: str
    depends: str


def need_apt() -> None:
    for tool in ("apt-get", "apt-cache", "apt-config", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise KernelError(
                "apt and dpkg, to find and check a kernel's package",
                f"no {tool} in PATH",
                "run on Debian, or give a kernel's own file as uml:PATH",
            )


def own_codename() -> str | None:
    """The codename of this machine's suite (`bookworm`), from os-release(5)."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        match = re.search(r'^VERSION_CODENAME="?([\w-]+)"?$', text, re.M)
        if match:
            return match[1]
    return None


def own_sources() -> list[Source]:
    """The archives of the machine's own apt configuration, one for each URI and suite."""
    found: dict[tuple[str, str], list[str]] = {}
    entries: dict[tuple[str, str], str] = {}
    # Without release information: it is there only after an `apt-get update` of the system.
    for target in _stanzas(_output(["apt-get", "indextargets", "--no-release-info"])):
        if target.get("Created-By") == "Packages" and target.get("Repo-URI") and target.get("Release"):
            key = (target["Repo-URI"], target["Release"])
            components = found.setdefault(key, [])
            if target.get("Component") and target["Component"] not in components:
                components.append(target["Component"])
            entries[key] = target.get("Sourcesentry", "")
    return [
        Source(uri, release, tuple(components), _signed_by(entries[uri, release]))
        for (uri, release), components in found.items()
    ]


class PrivateApt:
    """apt over one suite, with all its state under `folder`. `arch` is the architecture of the packages asked for."""

    def __init__(self, folder: Path, suite: str, arch: str) -> None:
        self.folder = folder / f"{suite}-{arch}"
        self.suite = suite
        self.arch = arch

    def update(self) -> None:
        """Fetch the suite's signed index, unless it was fetched within the last day.

        The machine's own suite comes with its updates and security suites. If one of those cannot be read (a mirror
        in the middle of a sync), the suite alone will do; the next update asks for all again.
        """
        sources = self._sources()
        stamp = self.folder / "updated"
        text = "\n".join(stanza for _, stanza in sources)
        if stamp.exists() and stamp.read_text() == text and time.time() - stamp.stat().st_mtime < _LISTS_KEPT_FOR:
            return
        failed = self._fetch_lists(text)
        alone = "\n".join(stanza for suite, stanza in sources if suite == self.suite)
        if failed and alone not in ("", text) and not self._fetch_lists(alone):
            text, failed = alone, ""
        if failed:
            raise KernelError(
                f"the signed index of {self.suite} from this machine's mirror",
                failed,
                "check the network and the mirror (apt-get update), or whether the mirror still carries this suite",
            )
        stamp.write_text(text)

    def _fetch_lists(self, sources: str) -> str:
        # Nothing, or why not.
        self._configure(sources)
        done = self._run(["apt-get", "update", "--error-on=any"])
        return (_last_line(done.stderr) or "apt-get update failed") if done.returncode else ""

    def versions(self, names: Sequence[str]) -> dict[str, list[Package]]:
        """The versions of packages `names` that the suite has, newest first as apt prints them; those it has none of
        are absent."""
        found: dict[str, list[Package]] = {}
        for item in _stanzas(self._run(["apt-cache", "show", *names]).stdout):
            name = item.get("Package", "")
            if name in names and "SHA256" in item:
                depends = item.get("Depends", "")
                package = Package(name, item["Version"], self.suite, int(item["Size"]), item["SHA256"], depends)
                found.setdefault(name, []).append(package)
        return found

    def download(self, packages: Sequence[Package], into: Path) -> list[Path]:
        """The packages' files in folder `into`, in order, checked by apt against the signed index."""
        wanted = [f"{package.name}={package.version}" for package in packages]
        done = self._run(["apt-get", "download", *wanted], cwd=into)
        files = [sorted(into.glob(f"{package.name}_*.deb")) for package in packages]
        if done.returncode or not all(files):
            raise KernelError(
                f"package {packages[0].name} {packages[0].version} of {self.suite}",
                _last_line(done.stderr) or "apt-get download failed",
                "check the network and the free space of the cache (PFNLAB_CACHE)",
            )
        return [found[-1] for found in files]

    def _sources(self) -> list[tuple[str, str]]:
        sources = own_sources()
        own = own_codename()
        if self.suite == own:  # with its updates and security suites, as the machine has them
            chosen = [(s, s.release) for s in sources if s.release.split("-")[0].split("/")[0] == own]
        else:
            chosen = [(s, self.suite) for s in sources if s.release == own]
        if not chosen:
            raise KernelError(
                "a mirror of this machine's distribution in its apt configuration",
                f"no source for suite {own or '?'}",
                "add the distribution's source to /etc/apt, or give a kernel's own file as uml:PATH",
            )
        return [(suite, source.stanza(suite)) for source, suite in chosen]

    def _configure(self, sources: str) -> None:
        for name in ("lists/partial", "archives/partial", "etc"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "etc" / "pfnlab.sources").write_text(sources)
        (self.folder / "status").touch()
        settings = [
            line
            for line in _output(["apt-config", "dump"]).splitlines()
            if line.startswith("Acquire::") and not line.startswith(tuple(f"Acquire::{k}" for k in _OWN_DEFAULTS))
        ]
        settings += [
            f'Dir::State "{self.folder}";',
            f'Dir::State::lists "{self.folder}/lists";',
            f'Dir::State::status "{self.folder}/status";',
            f'Dir::Cache "{self.folder}";',
            f'Dir::Cache::archives "{self.folder}/archives";',
            'Dir::Etc::sourcelist "/dev/null";',
            f'Dir::Etc::sourceparts "{self.folder}/etc";',
            'Dir::Etc::main "/dev/null";',
            'Dir::Etc::parts "/dev/null";',
            'Dir::Etc::preferences "/dev/null";',
            'Dir::Etc::preferencesparts "/dev/null";',
            f'APT::Architecture "{self.arch}";',
            f'APT::Architectures {{ "{self.arch}"; }};',
            'Acquire::Languages "none";',
            'Acquire::GzipIndexes "true";',
            'Dir::Cache::pkgcache "";',
            'Dir::Cache::srcpkgcache "";',
        ]
        if os.geteuid() == 0:
            settings.append('APT::Sandbox::User "root";')  # apt's own user cannot enter root's cache
        conf = self.folder / "apt.conf"
        conf.touch(mode=0o600)  # a proxy's password may be in it
        conf.write_text("\n".join(settings) + "\n")

    def _run(self, command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    # deb822: "Name: value" lines, continuation lines begin with a blank, stanzas end with an empty line
    stanza: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza = {}
        elif line[0] in " \t":
            stanza[key] = stanza.get(key, "") + "\n" + line
        elif not line.startswith("#"):
            key, _, value = line.partition(":")
            stanza[key] = value.strip()


def _signed_by(entry: str) -> str | None:
    # Sourcesentry is FILE:N: the N-th stanza of a .sources file, the N-th line of a .list
    path, _, number = entry.rpartition(":")
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        if path.endswith(".sources"):
            return list(_stanzas(text))[int(number) - 1].get("Signed-By")
        match = re.search(r"signed-by=([^\s\]]+)", text.splitlines()[int(number) - 1], re.I)
        return match[1] if match else None
    except (OSError, ValueError, IndexError):
        return None


def _output(command: list[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL).stdout


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("E:")] or text.splitlines()
    # the mirror's host is the machine's business, not the report's
    return re.sub(r"\w+://[^/\s]+", "the mirror:", lines[0]).strip() if lines else ""
