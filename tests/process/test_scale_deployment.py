"""The files for several machines: valid by their schemas, consistent, and nginx as it is set up."""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.process.test_deployment import PROJECT, UID, environment, variables
from tests.support.extras import needs
from tests.support.processes import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.scale.yaml").read_text())
DOCUMENTS = list(yaml.safe_load_all((ROOT / ".deploy" / "kubernetes-scale.yaml").read_text()))
NGINX = (ROOT / ".deploy" / "nginx.conf").read_text()
KUBERNETES = "1.31"
IMAGE = f"footnote-scale:{PROJECT['project']['version']}"
REPLICA = ["serve", "--role", "replica"]


def kind(name: str) -> list[dict[str, Any]]:
    """Returns the Kubernetes objects of a kind."""
    return [document for document in DOCUMENTS if document["kind"] == name]


def pods() -> dict[str, dict[str, Any]]:
    """Returns the pods of the Deployments by name."""
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in kind("Deployment")}


@needs("check_jsonschema")
@pytest.mark.parametrize("name", ["compose.yaml", "compose.scale.yaml"])
def test_the_compose_files_are_valid(name: str) -> None:
    from jsonschema import validators

    schema_file = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(schema_file.read_text())
    validators.validator_for(schema)(schema).validate(yaml.safe_load((ROOT / name).read_text()))


@needs("kubernetes_validate")
@pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-scale.yaml"])
def test_the_kubernetes_files_are_valid(name: str) -> None:
    import kubernetes_validate

    for document in yaml.safe_load_all((ROOT / ".deploy" / name).read_text()):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_every_variable_is_a_setting() -> None:
    services = COMPOSE["services"].values()
    named = {name for service in services for name in service.get("environment", ())}
    boxes = [box for pod in pods().values() for box in pod["containers"]]
    named |= {one["name"] for box in boxes for one in box["env"]} | set(
        kind("ConfigMap")[0]["data"]
    )
    assert {name for name in named if name.startswith("FOOTNOTE_")} <= variables()
    assert {"FOOTNOTE_SHARED", "FOOTNOTE_STATE", "AWS_SECRET_ACCESS_KEY"} <= named


def test_compose_has_one_sync_three_replicas_and_their_proxy() -> None:
    services = COMPOSE["services"]
    own = {name: one for name, one in services.items() if one["image"] == IMAGE}
    commands = [one["command"] for one in own.values()]
    assert commands.count(REPLICA) == 3
    assert commands.count(["sync", "--watch"]) == 1
    for one in own.values():
        assert one["build"]["args"] == {"EXTRAS": "mcp,shared"}
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
    replicas = {name for name, one in own.items() if one["command"] == REPLICA}
    port = environment()["FOOTNOTE_PORT"]
    assert set(re.findall(r"server ([\w-]+):(\d+)", NGINX)) == {(name, port) for name in replicas}
    assert not any("volumes" in own[name] for name in replicas)
    published = [name for name, one in services.items() if "ports" in one]
    assert published == ["proxy"]
    assert services["proxy"]["ports"][0].startswith("127.0.0.1:")
    networks = COMPOSE["networks"]["default"]["ipam"]["config"]
    trusted = services["replica-1"]["environment"]["FOOTNOTE_TRUSTED_PROXIES"]
    assert [one["subnet"] for one in networks] == [trusted]


def test_secrets_come_from_outside() -> None:
    (key,) = re.findall(r'"secretKey": "([^"]+)"', COMPOSE["configs"]["s3"]["content"])
    services = COMPOSE["services"]
    state = services["sync"]["environment"]["FOOTNOTE_STATE"]
    password = services["database"]["environment"]["POSTGRES_PASSWORD"]
    secret = services["sync"]["environment"]["AWS_SECRET_ACCESS_KEY"]
    assert secret == key == "${BUCKET_SECRET:?set BUCKET_SECRET}"
    assert password == "${DATABASE_SECRET:?set DATABASE_SECRET}"
    assert f":{password}@" in state


def test_the_pods_are_confined_and_share_no_volume() -> None:
    assert set(pods()) == {"footnote-replica", "footnote-sync"}
    for pod in pods().values():
        assert pod["securityContext"]["runAsUser"] == UID
        assert pod["enableServiceLinks"] is False
        for box in [*pod["containers"], *pod.get("initContainers", ())]:
            assert box["image"] == IMAGE
            assert box["securityContext"]["readOnlyRootFilesystem"]
            assert box["securityContext"]["allowPrivilegeEscalation"] is False
            assert box["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    modes = [mode for one in kind("PersistentVolumeClaim") for mode in one["spec"]["accessModes"]]
    assert modes == ["ReadWriteOnce"]
    volumes = {name: pod["volumes"] for name, pod in pods().items()}
    assert not any("persistentVolumeClaim" in one for one in volumes["footnote-replica"])


def test_replicas_scale_and_are_never_all_evicted() -> None:
    (scaler,), (budget,), (service,) = (
        kind(name) for name in ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Service")
    )
    (replica, sync) = kind("Deployment")
    labels = replica["spec"]["template"]["metadata"]["labels"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == replica["metadata"]["name"]
    assert budget["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    assert budget["spec"]["minAvailable"] < scaler["spec"]["minReplicas"]
    assert (sync["spec"]["replicas"], sync["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert pods()["footnote-replica"]["containers"][0]["args"] == REPLICA
    assert pods()["footnote-sync"]["containers"][0]["args"] == ["sync", "--watch"]


class Replica(ThreadingHTTPServer):
    """Stands for a replica: answers with its number, 503 while it drains."""

    daemon_threads = True

    def __init__(self, number: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.number, self.is_draining, self.bodies = number, False, list[bytes]()
        self.may_end, self.is_gone = threading.Event(), False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it; its port refuses connections from then on, and open ones end."""
        self.is_gone = True
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Streams two parts, the second once `may_end` is set."""

    protocol_version = "HTTP/1.1"
    server: Replica

    def do_POST(self) -> None:
        if self.server.is_gone:
            self.close_connection = True
            return
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(503 if self.server.is_draining else 200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._send(f"replica {self.server.number} ".encode())
        self.server.may_end.wait(20)
        self._send(self.headers["Host"].encode())
        self._send(b"")

    def _send(self, part: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def proxy(replicas: list[Replica], folder: Path) -> Iterator[int]:
    """Runs nginx with the configuration of Compose before the replicas; yields its port."""
    command = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if command is None:
        assert not os.environ.get("CI"), "CI must have nginx: .ci/run installs it"
        pytest.skip("NO NGINX: it is not installed, so THE PROXY OF COMPOSE WAS NOT TRIED")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    config = NGINX.replace("listen 8080", f"listen 127.0.0.1:{port}")
    for number, replica in enumerate(replicas, start=1):
        config = config.replace(f"replica-{number}:8000", f"127.0.0.1:{replica.server_port}")
    folders = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = config.replace("http {", f"http {{ access_log off; {folders}", 1)
    (folder / "nginx.conf").write_text(f"pid {folder}/pid; error_log {folder}/log;\n{config}")
    arguments = ["-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    process = subprocess.Popen([command, *arguments], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def ask(port: int) -> Iterator[HTTPResponse]:
    """Sends a question and yields the beginning of its reply."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/v1/answers", b'{"question": "?"}')
        with connection.getresponse() as response:
            yield response


def replies(port: int, count: int) -> set[tuple[int, bytes]]:
    """Asks so many times, and returns the statuses and who answered."""
    found = set()
    for _ in range(count):
        with ask(port) as response:
            found.add((response.status, response.read()[:9]))
    return found


def test_the_proxy_streams_and_passes_over_a_replica_that_drains_or_is_gone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        replicas = [Replica(number) for number in (1, 2, 3)]
        for replica in replicas:
            stack.callback(replica.close)
        port = stack.enter_context(proxy(replicas, tmp_path))
        with ask(port) as response:
            assert response.read1().startswith(b"replica ")  # before the answer has ended
            for replica in replicas:
                replica.may_end.set()
            assert response.read().decode() == f"127.0.0.1:{port}"
        assert len(replies(port, 12)) == 3
        replicas[0].is_draining = True
        replicas[1].close()
        assert replies(port, 12) == {(200, b"replica 3")}
        assert set(replicas[2].bodies) == {b'{"question": "?"}'}
