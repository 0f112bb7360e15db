# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian archive of a test's own: real packages in a folder, behind what stands for apt."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hwtests.kernels import fetch, headers, toolchain
from hwtests.kernels.apt import Package, PrivateApt


class Archive:
    """`add` puts a package in; `use` makes all that fetches ask here, whatever the suite and architecture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: dict[str, list[Package]] = {}

    def add(self, name: str, version: str, files: Mapping[str, str | bytes], depends: str = "") -> Package:
        tree = self.folder / "tree" / f"{name}_{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        lines = {"Package": name, "Version": version, "Architecture": "all", "Maintainer": "t", "Description": "t"}
        (tree / "DEBIAN" / "control").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content.encode() if isinstance(content, str) else content)
            (tree / path).chmod(0o755)
        deb = self.folder / f"{name}_{version}_all.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--build", str(tree), str(deb)], check=True, capture_output=True)
        content = deb.read_bytes()
        package = Package(name, version, "bookworm", len(content), hashlib.sha256(content).hexdigest(), depends)
        self.packages.setdefault(name, []).insert(0, package)
        return package

    def remove(self, name: str) -> None:
        del self.packages[name]

    def use(self, monkeypatch: pytest.MonkeyPatch) -> PrivateApt:
        archive = self

        class Apt(PrivateApt):
            def update(self) -> None:
                pass

            def versions(self, names: Sequence[str]) -> dict[str, list[Package]]:
                return {name: archive.packages[name] for name in names if name in archive.packages}

            def download(self, packages: Sequence[Package], into: Path) -> list[Path]:
                found = [into / f"{package.name}.deb" for package in packages]
                for package, path in zip(packages, found, strict=True):
                    path.write_bytes((archive.folder / f"{package.name}_{package.version}_all.deb").read_bytes())
                return found

        for module in (fetch, headers, toolchain):
            monkeypatch.setattr(module, "PrivateApt", Apt)
            if hasattr(module, "need_apt"):
                monkeypatch.setattr(module, "need_apt", lambda: None)
        return Apt(self.folder / "apt", "bookworm", "amd64")

    def add_kernel(self, version: str, release: str, **more: Any) -> None:
        """What a suite has of a kernel: the name for the newest, its image, headers, kbuild's tools."""
        image, common = f"linux-image-{release}", f"linux-headers-{release.removesuffix('-cloud-amd64')}-common"
        self.add("linux-image-cloud-amd64", version, {}, f"{image} (= {version})")
        modules = f"lib/modules/{release}"
        files = {
            f"boot/vmlinuz-{release}": "the kernel",
            f"boot/config-{release}": "CONFIG_KSM=y\n",
            f"{modules}/kernel/drivers/uio/uio.ko": b"\x7fELF\0depends=\0",
            f"{modules}/modules.builtin": "",
        }
        self.add(image, version, more.get("files", files), more.get("depends", "kmod, linux-base"))
        source = f"usr/src/linux-headers-{release}"
        makefile = f"include /usr/src/{common}/Makefile\n"
        depends = f"{common} (= {version}), linux-kbuild-6.1 (>= {version}), linux-compiler-gcc-1-x86"
        self.add(f"linux-headers-{release}", version, {f"{source}/Makefile": makefile}, depends)
        shared = {f"usr/src/{common}/Makefile": "modules:\n\t@echo built > $(M)/probe.ko\n"}
        self.add(common, version, shared)
        tools = {"usr/lib/linux-kbuild-6.1/scripts/basic/fixdep": Path("/bin/true").read_bytes()}
        self.add("linux-kbuild-6.1", version, tools, "libc6 (>= 2.34), libssl3")
