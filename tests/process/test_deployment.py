"""The image, compose and Kubernetes files: what can drift in them, and that the service runs so.

No container engine is at hand, so bubblewrap makes the same conditions: the installed wheel, the
image's own environment and command, no user of this machine, no network, a root that is read-only,
and /data alone to write to.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from fastapi.routing import APIRoute
from typer.testing import CliRunner

from api.cli import app as terminal
from api.routes import health
from api.settings import Settings
from tests.support.processes import ROOT, SEEDS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [line.split(" ", 1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCUMENTS = list(yaml.safe_load_all((ROOT / ".deploy" / "kubernetes.yaml").read_text()))
IMAGE = f"footnote:{PROJECT['project']['version']}"
UID = 10001


def steps(name: str) -> list[str]:
    return [rest for step, rest in STEPS if step == name]


def environment() -> dict[str, str]:
    """What the image sets."""
    (line,) = steps("ENV")
    return dict(word.split("=", 1) for word in shlex.split(line))


def command() -> list[str]:
    """What the image runs."""
    return [*json.loads(steps("ENTRYPOINT")[0]), *json.loads(steps("CMD")[0])]


def variables() -> set[str]:
    """Every variable that is a setting."""
    names = set()
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        names |= {f"{name}__{key}" for key in inner} if inner else {name}
    return {f"FOOTNOTE_{name.upper()}" for name in names}


def deployment() -> dict[str, Any]:
    (found,) = [document for document in DOCUMENTS if document["kind"] == "Deployment"]
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def test_the_image_is_built_by_the_lock_with_the_tools_that_make_uses() -> None:
    (install, uv) = (
        next(step for step in steps("RUN") if word in step) for word in (".[mcp]", "pip install ")
    )
    assert "--constraint requirements.lock" in install
    assert re.findall(r"\[(\w+)\]", install) == ["mcp"]
    pinned = re.search(r"^UV := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert pinned
    assert pinned[1] in uv
    copied = " ".join(steps("COPY")[:-1]).split()
    assert all((ROOT / name).exists() for name in copied if name != "./")
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) < set(copied)
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied if name != "./"} <= set(kept)


def test_the_images_python_is_one_that_the_project_takes() -> None:
    images = {step.split()[0] for step in steps("FROM")}
    assert images == {"python:3.11-slim"}
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "--python-version 3.11" in (ROOT / "Makefile").read_text()


def test_the_image_runs_as_nobody_and_writes_to_data_alone() -> None:
    assert steps("USER") == [f"{UID}:{UID}"]
    assert steps("VOLUME") == [environment()["FOOTNOTE_DATA_DIR"]] == ["/data"]
    assert environment()["HOME"] == environment()["TMPDIR"] == "/data"
    assert any(f"-o {UID} -g {UID} /data" in step for step in steps("RUN"))


def test_every_variable_that_is_set_is_a_setting() -> None:
    compose = COMPOSE["services"]["footnote"]["environment"]
    pods = [one for box in deployment()["containers"] for one in box["env"]]
    for name in [*environment(), *compose, *(one["name"] for one in pods)]:
        assert not name.startswith("FOOTNOTE_") or name in variables(), name


def test_ports_and_probes_are_those_of_the_service() -> None:
    port = environment()["FOOTNOTE_PORT"]
    routes = {route.path for route in health.router.routes if isinstance(route, APIRoute)}
    (box,) = deployment()["containers"]
    probes = {box[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")}
    assert probes == {"/livez", "/readyz"} <= routes
    assert f"127.0.0.1:{port}/livez" in steps("HEALTHCHECK")[0]
    assert steps("EXPOSE") == [port]
    assert COMPOSE["services"]["footnote"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert [one["containerPort"] for one in box["ports"]] == [int(port)]
    (service,) = [document for document in DOCUMENTS if document["kind"] == "Service"]
    assert service["spec"]["ports"][0]["targetPort"] == box["ports"][0]["name"]
    hosts = {one["name"]: one.get("value") for one in box["env"]}["FOOTNOTE_ALLOWED_HOSTS"]
    assert hosts == service["metadata"]["name"]


def test_compose_confines_the_service_and_lets_a_model_run_beside_it() -> None:
    services = COMPOSE["services"]
    ours = services["footnote"]
    assert (ours["image"], ours["read_only"], ours["cap_drop"]) == (IMAGE, True, ["ALL"])
    articles = environment()["FOOTNOTE_CORPUS"]
    assert ours["volumes"] == [f"${{CORPUS:-./seeds}}:{articles}:ro", "data:/data"]
    assert services["ollama"]["profiles"] == ["ollama"]
    assert "http://ollama:11434/v1" in ours["environment"]["FOOTNOTE_LLM__BASE_URL"]
    assert "ports" not in services["ollama"]


def test_the_pod_is_confined_and_its_keys_come_from_a_secret() -> None:
    pod = deployment()
    assert pod["securityContext"]["runAsUser"] == UID
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["enableServiceLinks"] is False
    for box in [*pod["containers"], *pod["initContainers"]]:
        assert box["image"] == IMAGE
        assert box["securityContext"]["readOnlyRootFilesystem"]
        assert box["securityContext"]["allowPrivilegeEscalation"] is False
        assert box["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounted = {one["mountPath"] for one in box["volumeMounts"] if not one.get("readOnly")}
        assert mounted == {"/data"}
    (first,) = pod["initContainers"]
    arguments = first["args"]
    assert arguments[:3] == ["keys", "create", "--key-file"]
    secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    (model,) = [one for one in pod["containers"][0]["env"] if "valueFrom" in one]
    assert {secrets[0]["secretName"], model["valueFrom"]["secretKeyRef"]["name"]} == {"footnote"}


def test_the_pods_first_command_is_one_of_ours(tmp_path: Path) -> None:
    made = CliRunner().invoke(terminal, ["keys", "create", "--data-dir", str(tmp_path / "one")])
    (first,) = deployment()["initContainers"]
    held = tmp_path / "read"
    held.write_text(made.stdout)
    arguments = [str(held) if one == "/keys/read" else one for one in first["args"]]
    done = CliRunner().invoke(terminal, [*arguments, "--data-dir", str(tmp_path / "two")])
    assert done.exit_code == 0, done.output


INSIDE = """
import json, os, signal, subprocess, sys, urllib.request
from pathlib import Path

def writable(path):
    try:
        Path(path, "probe").write_text("x")
    except OSError:
        return False
    Path(path, "probe").unlink()
    return True

places = ["/", "/usr", "/opt/footnote", "/articles", "/etc", "/data"]
found = {"uid": os.getuid(), "writable": [place for place in places if writable(place)]}
found["elsewhere"] = os.path.exists("/tmp") and writable("/tmp")
service = subprocess.Popen([*sys.argv[1:], "--json"], stdout=subprocess.PIPE)
found["ready"] = json.loads(service.stdout.readline())
question = b'{"question": "How many showrooms are there, and in how many cities?"}'
url = "http://127.0.0.1:" + os.environ["FOOTNOTE_PORT"]
header = {"Content-Type": "application/json"}
asked = urllib.request.Request(url + "/v1/answers", question, header)
found["answer"] = json.load(urllib.request.urlopen(asked))
service.send_signal(signal.SIGTERM)
found["code"] = service.wait(30)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    with ZipFile(made) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def bubblewrap() -> str:
    """The program, where it works; a skip where it does not, but not where CI runs."""
    found = shutil.which("bwrap")
    tried = found and subprocess.run([found, "--ro-bind", "/", "/", "--unshare-all", "true"])
    if found and tried and tried.returncode == 0:
        return found
    why = (
        "bubblewrap is missing or may not make namespaces here (Debian: apt-get install bubblewrap)"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(f"SKIPPED: {why}")


def test_it_answers_on_a_read_only_root_as_nobody_and_ends_when_told(
    wheel: Path, seeds_data: Path, tmp_path: Path
) -> None:
    program = bubblewrap()
    data = tmp_path / "data"
    data.mkdir()
    shutil.copytree(seeds_data / "models", data / "models")
    (tmp_path / "inside.py").write_text(INSIDE)
    set_there = environment() | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": "/opt/footnote",
        "FOOTNOTE_INSECURE": "true",
        "FOOTNOTE_DRAIN_S": "0",
    }
    there = [word for name, value in set_there.items() for word in ("--setenv", name, value)]
    needed = ["/usr", "/etc", str(Path(sys.prefix)), str(Path(sys.base_prefix))]
    done = subprocess.run(
        [
            *[program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
            *["--uid", str(UID), "--gid", str(UID), "--clearenv", *there],
            *[word for path in needed for word in ("--ro-bind", path, path)],
            *[
                w
                for name in ("bin", "lib", "lib64")
                for w in ("--symlink", f"usr/{name}", f"/{name}")
            ],
            *["--proc", "/proc", "--dev", "/dev"],
            *["--ro-bind", str(wheel), "/opt/footnote", "--ro-bind", str(SEEDS), "/articles"],
            *["--ro-bind", str(tmp_path / "inside.py"), "/inside.py"],
            *["--bind", str(data), "/data", "--chdir", "/data", "--remount-ro", "/"],
            *["python", "-P", "/inside.py", *command()],
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["uid"] == UID
    assert found["writable"] == ["/data"]
    assert not found["elsewhere"]
    assert found["ready"]["sources"] == 5
    assert found["answer"]["citations"]
    assert found["code"] == 0
    assert [path.name for path in data.iterdir() if path.name.startswith("footnote-run-")] == []
