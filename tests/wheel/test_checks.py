"""The checks of a wheel find what they are there for: each is shown a wheel that has just that one fault."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from scripts.wheels import native
from scripts.wheels.check import problems
from scripts.wheels.platforms import of_this_machine
from scripts.wheels.sbom import without_local_paths

pytestmark = pytest.mark.skipif(
    of_this_machine().tag != "manylinux_2_17_x86_64", reason="the faults are made in a wheel of Linux x86-64"
)

MODULE = "codex_app_server/_native.abi3.so"
Files = dict[str, bytes]


def rewritten(wheel: Path, folder: Path, change: Callable[[Files], object], name: str | None = None) -> Path:
    """A copy of `wheel` with other contents, whose RECORD and tags say so."""
    with zipfile.ZipFile(wheel) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    copy = folder / (name or wheel.name)
    tags = "".join(f"Tag: {tag}\n" for tag in sorted(map(str, parse_wheel_filename(copy.name)[3])))
    files[in_dist_info(files, "WHEEL")] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{tags}".encode()
    change(files)
    record = in_dist_info(files, "RECORD")
    lines = [f"{each},{hashed(content)},{len(content)}" for each, content in files.items() if each != record]
    files[record] = "\n".join([*lines, f"{record},,\n"]).encode()
    with zipfile.ZipFile(copy, "w") as archive:
        for each, content in files.items():
            archive.writestr(each, content)
    return copy


def hashed(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"sha256={digest}"


def in_dist_info(files: Files, name: str) -> str:
    return next(each for each in files if each.endswith(f".dist-info/{name}"))


def test_the_wheel_that_is_built_has_no_problems(wheel: Path) -> None:
    assert problems(wheel) == []


def test_a_module_that_is_not_of_the_kind_that_the_name_says_is_found(wheel: Path, tmp_path: Path) -> None:
    name = wheel.name.replace("cp310-abi3", "cp314-cp314t")
    (problem,) = problems(rewritten(wheel, tmp_path, lambda files: None, name))
    assert problem == f"it is tagged cp314-cp314t, and its native modules are ['{MODULE}']"


@pytest.mark.parametrize(
    "path",
    [
        "/home/somebody/project/notes.txt",
        "/workspace/somebody/project/rust/core/src/lib.rs",
        "/somewhere/else/rust/core/src/lib.rs",
        "/cargo/registry/src/index.example.org-1949cf8c6b5b557f/memchr-2.8.3/src/lib.rs",
        "/Volumes/disk/project",
        "C:\\Users\\somebody\\project\\lib.rs",
    ],
)
def test_a_path_of_the_builder_in_the_module_is_found(wheel: Path, tmp_path: Path, path: str) -> None:
    # A text of its own, as far as a module has such.
    there = b"\0" + path.encode() + b"\0"
    bad = rewritten(wheel, tmp_path, lambda files: files.update({MODULE: files[MODULE] + there}))
    (problem,) = problems(bad)
    assert path in problem


@pytest.mark.parametrize(
    "path",
    [
        "/rustc/5980761/library/std/src/time.rs",
        "/crates/memchr-2.8.3/src/lib.rs",
        "rust/core/src/lib.rs",
        # As a build on Windows names them.
        "/rustc/5980761\\library\\std\\src\\time.rs",
        "/crates\\memchr-2.8.3\\src\\lib.rs",
        "/rust/deps\\hashbrown-0.17.0\\src\\lib.rs",
        "rust\\core\\src\\lib.rs",
        "C:\\Windows",
    ],
)
def test_a_path_that_is_the_same_on_every_machine_is_no_problem(path: str) -> None:
    assert native.local_paths(b"\0" + path.encode() + b"\0not a path" + path.encode() + b"\0") == set()


def test_a_method_that_stands_before_the_name_of_a_file_is_no_folder() -> None:
    assert native.local_paths(b"\0turn/startedrust/core/src/lib.rs\0") == set()
    assert native.local_paths(b"\0/elsewhere/myrust/core/src/lib.rs\0") != set()


def test_a_path_of_the_builder_in_the_list_of_ingredients_is_found_and_removed(
    wheel: Path, tmp_path: Path
) -> None:
    def name_a_path(files: Files) -> None:
        sbom = in_dist_info(files, "sboms/codex-native.cyclonedx.json")
        content = json.loads(files[sbom])
        content["metadata"]["component"]["bom-ref"] = "path+file:///home/somebody/project/rust/bindings"
        content["metadata"]["timestamp"] = "2026-01-01T00:00:00Z"
        files[sbom] = json.dumps(content).encode()

    bad = rewritten(wheel, tmp_path, name_a_path)
    assert any("file:///home/somebody/project" in problem for problem in problems(bad))
    (tmp_path / "out").mkdir()
    good = without_local_paths(bad, Path("/home/somebody/project"), tmp_path / "out")
    assert problems(good) == []


def test_a_symbol_of_a_newer_c_library_is_found(wheel: Path, tmp_path: Path) -> None:
    # Of the same length, so that the table of names stays as it is.
    newer = rewritten(
        wheel,
        tmp_path,
        lambda files: files.update({MODULE: files[MODULE].replace(b"GLIBC_2.17\0", b"GLIBC_2.38\0")}),
    )
    assert [problem for problem in problems(newer) if "its name says manylinux_2_17" in problem]


def test_a_library_that_not_every_system_has_is_found(wheel: Path, tmp_path: Path) -> None:
    def need_it(files: Files) -> None:
        assert b"\0libdl.so.2\0" in files[MODULE]
        files[MODULE] = files[MODULE].replace(b"\0libdl.so.2\0", b"\0libxx.so.2\0")

    other = rewritten(wheel, tmp_path, need_it)
    assert "it needs libxx.so.2, which not every manylinux system has" in problems(other)


def test_a_module_of_another_processor_is_found(wheel: Path, tmp_path: Path) -> None:
    other = rewritten(wheel, tmp_path, lambda files: None, wheel.name.replace("x86_64", "aarch64"))
    assert "the module is for X86_64, not aarch64" in problems(other)


@pytest.mark.parametrize(("tag", "wanted"), [("macosx_11_0_arm64", "a Mach-O"), ("win_amd64", "a PE")])
def test_a_module_for_another_system_is_found(wheel: Path, tmp_path: Path, tag: str, wanted: str) -> None:
    name = f"{wheel.name.rsplit('-', 1)[0]}-{tag}.whl"
    other = rewritten(wheel, tmp_path, lambda files: None, name)
    assert f"the module is an ELF file, not {wanted} file" in problems(other)


def test_a_module_that_no_system_knows_is_found(wheel: Path, tmp_path: Path) -> None:
    other = rewritten(wheel, tmp_path, lambda files: files.update({MODULE: b"no module"}))
    assert "the module is no module, not an ELF file" in problems(other)


def test_a_module_that_is_not_stripped_is_found(wheel: Path, tmp_path: Path) -> None:
    objcopy = shutil.which("objcopy")
    if objcopy is None:
        pytest.skip("not run: needs objcopy of the binutils")

    def add_debug_information(files: Files) -> None:
        module, note = tmp_path / "module.so", tmp_path / "note"
        module.write_bytes(files[MODULE])
        note.write_bytes(b"lines")
        subprocess.run([objcopy, f"--add-section=.debug_line={note}", module], check=True)
        files[MODULE] = module.read_bytes()

    bad = rewritten(wheel, tmp_path, add_debug_information)
    assert "the module is not stripped: it has .debug_line" in problems(bad)


def test_a_function_outside_the_stable_abi_is_found(wheel: Path, tmp_path: Path) -> None:
    # A name of the same length that the stable ABI does not have.
    def use_it(files: Files) -> None:
        assert b"\0PyList_Append\0" in files[MODULE]
        files[MODULE] = files[MODULE].replace(b"\0PyList_Append\0", b"\0PyList_Extend\0")

    bad = rewritten(wheel, tmp_path, use_it)
    assert any("abi3audit" in problem and "PyList_Extend" in problem for problem in problems(bad))


@pytest.mark.parametrize(
    "name", ["licenses/LICENSE", "licenses/THIRD-PARTY-LICENSES.txt", "sboms/codex-native.cyclonedx.json"]
)
def test_what_is_missing_beside_the_package_is_found(wheel: Path, tmp_path: Path, name: str) -> None:
    bad = rewritten(wheel, tmp_path, lambda files: files.pop(in_dist_info(files, name)))
    assert any(problem.endswith(f"{name} is missing") for problem in problems(bad))


def test_a_license_that_is_not_the_checkouts_is_found(wheel: Path, tmp_path: Path) -> None:
    def forget_one(files: Files) -> None:
        name = in_dist_info(files, "licenses/THIRD-PARTY-LICENSES.txt")
        files[name] = files[name].replace(b"pyo3 ", b"")

    (problem,) = problems(rewritten(wheel, tmp_path, forget_one))
    assert problem.endswith("THIRD-PARTY-LICENSES.txt is not that of the checkout")


def test_a_package_that_is_not_the_checkouts_is_found(wheel: Path, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files["codex_app_server/_version.py"] += b"# edited"
        del files["codex_app_server/_sync/thread.py"]
        files["codex_app_server/_build.txt"] = b"/home/somebody"
        files["tests/__init__.py"] = b""

    found = problems(rewritten(wheel, tmp_path, change))
    assert found == [
        "codex_app_server/_sync/thread.py is missing",
        "codex_app_server/_version.py is not that of the checkout",
        "codex_app_server/_build.txt does not belong into the wheel",
        "tests/__init__.py does not belong into the wheel",
    ]


def test_a_file_that_is_not_the_recorded_one_is_found(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as good, zipfile.ZipFile(copy, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name) + (b"#" if name.endswith("retry.py") else b""))
    (problem,) = problems(copy)
    assert "retry.py" in problem


@pytest.mark.parametrize("tag", ["manylinux_2_5_x86_64", "musllinux_1_2_x86_64", "win_amd64"])
def test_a_name_that_promises_more_is_found(wheel: Path, tmp_path: Path, tag: str) -> None:
    name = f"{wheel.name.removesuffix('.whl')}.{tag}.whl"
    (problem,) = problems(rewritten(wheel, tmp_path, lambda files: None, name))
    assert problem == f"its name promises {tag}, too"


def test_tags_inside_that_are_not_those_of_the_name_are_found(wheel: Path, tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files[in_dist_info(files, "WHEEL")] = b"Root-Is-Purelib: true\nTag: cp39-abi3-linux_x86_64\n"

    assert problems(rewritten(wheel, tmp_path, change)) == [
        "its WHEEL file has other tags than its name",
        "its WHEEL file says that there is no native module inside",
    ]


def test_what_is_no_wheel_of_ours_is_refused_by_name(tmp_path: Path) -> None:
    assert problems(tmp_path / "README.md") != []
    assert (
        "no wheel is made for 'win32'"
        in problems(tmp_path / "codex_app_server_sdk-1-cp310-abi3-win32.whl")[0]
    )


def test_the_same_source_gives_the_same_list_of_ingredients(wheel: Path, tmp_path: Path) -> None:
    def stamp(time: str) -> Callable[[Files], None]:
        def change(files: Files) -> None:
            name = in_dist_info(files, "sboms/codex-native.cyclonedx.json")
            content = json.loads(files[name])
            content["serialNumber"] = f"urn:uuid:{time}"
            content["metadata"]["timestamp"] = time
            files[name] = json.dumps(content).encode()

        return change

    made = []
    for time in ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"):
        folder = tmp_path / time[:4]
        (folder / "out").mkdir(parents=True)
        made.append(without_local_paths(rewritten(wheel, folder, stamp(time)), folder, folder / "out"))
    first, second = made
    assert first.read_bytes() == second.read_bytes()


def test_the_command_line_fails_on_a_bad_wheel_and_says_why(wheel: Path, tmp_path: Path) -> None:
    bad = rewritten(wheel, tmp_path, lambda files: files.pop("codex_app_server/py.typed"))
    command = [sys.executable, "-m", "scripts.wheels", "check", str(bad), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "codex_app_server/py.typed is missing" in done.stdout
    assert f"ok  {wheel.name}" in done.stdout
