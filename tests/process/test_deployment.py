"""The Dockerfile, compose and Kubernetes files: consistency, and a run under their restrictions.

Without a container engine, bubblewrap creates the same conditions: the installed wheel, the image's
environment and command, an unknown user, no network, a read-only root and a writable /data.
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


def instructions(name: str) -> list[str]:
    """Returns the arguments of each Dockerfile instruction of this name."""
    return [arguments for step, arguments in STEPS if step == name]


def environment() -> dict[str, str]:
    """Returns the environment variables of the image."""
    (line,) = instructions("ENV")
    return dict(word.split("=", 1) for word in shlex.split(line))


def command() -> list[str]:
    """Returns the command of the image."""
    return [*json.loads(instructions("ENTRYPOINT")[0]), *json.loads(instructions("CMD")[0])]


def variables() -> set[str]:
    """Returns the environment variables of all settings."""
    names = set()
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        names |= {f"{name}__{key}" for key in inner} if inner else {name}
    return {f"FOOTNOTE_{name.upper()}" for name in names}


def deployment() -> dict[str, Any]:
    (one,) = [document for document in DOCUMENTS if document["kind"] == "Deployment"]
    spec: dict[str, Any] = one["spec"]["template"]["spec"]
    return spec


def test_the_image_is_built_from_the_lock_with_the_tools_of_the_makefile() -> None:
    (install, uv) = (
        next(step for step in instructions("RUN") if word in step)
        for word in (".[$EXTRAS]", "pip install ")
    )
    assert "--constraint requirements-extras.lock" in install
    assert instructions("ARG") == ["EXTRAS=mcp"]
    pinned = re.search(r"^UV := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert pinned
    assert pinned[1] in uv
    copied = " ".join(instructions("COPY")[:-1]).split()
    assert all((ROOT / name).exists() for name in copied if name != "./")
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) < set(copied)
    included = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied if name != "./"} <= set(included)


def test_the_python_of_the_image_is_supported() -> None:
    images = {step.split()[0] for step in instructions("FROM")}
    assert images == {"python:3.11-slim"}
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "--python-version 3.11" in (ROOT / "Makefile").read_text()


def test_the_image_runs_unprivileged_and_writes_only_to_data() -> None:
    assert instructions("USER") == [f"{UID}:{UID}"]
    assert instructions("VOLUME") == [environment()["FOOTNOTE_DATA_DIR"]] == ["/data"]
    assert environment()["HOME"] == environment()["TMPDIR"] == "/data"
    assert any(f"-o {UID} -g {UID} /data" in step for step in instructions("RUN"))


def test_every_variable_is_a_setting() -> None:
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
    assert f"127.0.0.1:{port}/livez" in instructions("HEALTHCHECK")[0]
    assert instructions("EXPOSE") == [port]
    assert COMPOSE["services"]["footnote"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert [one["containerPort"] for one in box["ports"]] == [int(port)]
    (service,) = [document for document in DOCUMENTS if document["kind"] == "Service"]
    assert service["spec"]["ports"][0]["targetPort"] == box["ports"][0]["name"]
    hosts = {one["name"]: one.get("value") for one in box["env"]}["FOOTNOTE_ALLOWED_HOSTS"]
    assert hosts == service["metadata"]["name"]


def test_compose_confines_the_service_and_has_an_ollama_profile() -> None:
    services = COMPOSE["services"]
    footnote = services["footnote"]
    assert (footnote["image"], footnote["read_only"], footnote["cap_drop"]) == (
        IMAGE,
        True,
        ["ALL"],
    )
    articles = environment()["FOOTNOTE_CORPUS"]
    assert footnote["volumes"] == [f"${{CORPUS:-./seeds}}:{articles}:ro", "data:/data"]
    assert services["ollama"]["profiles"] == ["ollama"]
    assert "http://ollama:11434/v1" in footnote["environment"]["FOOTNOTE_LLM__BASE_URL"]
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


def test_the_init_container_runs_a_command_of_footnote(tmp_path: Path) -> None:
    created = CliRunner().invoke(terminal, ["keys", "create", "--data-dir", str(tmp_path / "one")])
    (first,) = deployment()["initContainers"]
    key_file = tmp_path / "read"
    key_file.write_text(created.stdout)
    arguments = [str(key_file) if one == "/keys/read" else one for one in first["args"]]
    done = CliRunner().invoke(terminal, [*arguments, "--data-dir", str(tmp_path / "two")])
    assert done.exit_code == 0, done.output


INSIDE = """
import json, os, signal, subprocess, sys, urllib.request
from pathlib import Path

def is_writable(path):
    try:
        Path(path, "probe").write_text("x")
    except OSError:
        return False
    Path(path, "probe").unlink()
    return True

folders = ["/", "/usr", "/opt/footnote", "/articles", "/etc", "/data"]
report = {"uid": os.getuid(), "writable": [folder for folder in folders if is_writable(folder)]}
report["tmp_writable"] = os.path.exists("/tmp") and is_writable("/tmp")
service = subprocess.Popen([*sys.argv[1:], "--json"], stdout=subprocess.PIPE)
report["ready"] = json.loads(service.stdout.readline())
question = b'{"question": "How many showrooms are there, and in how many cities?"}'
url = "http://127.0.0.1:" + os.environ["FOOTNOTE_PORT"]
header = {"Content-Type": "application/json"}
request = urllib.request.Request(url + "/v1/answers", question, header)
report["answer"] = json.load(urllib.request.urlopen(request))
service.send_signal(signal.SIGTERM)
report["code"] = service.wait(30)
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the contents of the wheel, as an installer unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel_file,) = folder.glob("*.whl")
    with ZipFile(wheel_file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def bubblewrap() -> str:
    """Returns the path of bwrap; skips the test where it does not work, and fails it in CI."""
    program = shutil.which("bwrap")
    trial = program and subprocess.run([program, "--ro-bind", "/", "/", "--unshare-all", "true"])
    if program and trial and trial.returncode == 0:
        return program
    reason = (
        "bubblewrap is missing or may not make namespaces here (Debian: apt-get install bubblewrap)"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"SKIPPED: {reason}")


def test_it_answers_unprivileged_on_a_read_only_root_and_stops_on_sigterm(
    wheel: Path, seeds_data: Path, tmp_path: Path
) -> None:
    program = bubblewrap()
    data = tmp_path / "data"
    data.mkdir()
    shutil.copytree(seeds_data / "models", data / "models")
    (tmp_path / "inside.py").write_text(INSIDE)
    variables_set = environment() | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": "/opt/footnote",
        "FOOTNOTE_INSECURE": "true",
        "FOOTNOTE_DRAIN_S": "0",
    }
    setenv = [word for name, value in variables_set.items() for word in ("--setenv", name, value)]
    read_only = ["/usr", "/etc", str(Path(sys.prefix)), str(Path(sys.base_prefix))]
    done = subprocess.run(
        [
            *[program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
            *["--uid", str(UID), "--gid", str(UID), "--clearenv", *setenv],
            *[word for path in read_only for word in ("--ro-bind", path, path)],
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
    report = json.loads(done.stdout)
    assert report["uid"] == UID
    assert report["writable"] == ["/data"]
    assert not report["tmp_writable"]
    assert report["ready"]["sources"] == 5
    assert report["answer"]["citations"]
    assert report["code"] == 0
    assert [path.name for path in data.iterdir() if path.name.startswith("footnote-run-")] == []
