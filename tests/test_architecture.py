"""House rules that import-linter does not know: who imports what, and how large a file is."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TREES = {
    path: ast.parse(path.read_text())
    for package in ("api", "index", "rag")
    for path in sorted((ROOT / package).rglob("*.py"))
}

HOMES = {
    "chromadb": {"index/store/vectors.py"},
    "tantivy": {"index/store/candidates.py", "index/text/analyzer.py"},
    "llama_index": {"index/text/chunk.py", "rag/retrieval/llama_index.py"},
    "openai": {"index/embed/openai.py", "rag/model/openai_chat.py", "rag/model/openai_errors.py"},
    "opentelemetry": {"api/telemetry/logs.py", "api/telemetry/tracing.py"},
    "prometheus_client": {"api/telemetry/metrics.py"},
    "structlog": {"api/http/middleware.py", "api/telemetry/logs.py"},
    "onnxruntime": {"index/embed/minilm.py"},
    "onnx": {"index/embed/graph.py"},
    "mcp": {"api/mcp.py"},
}
"""The only files that import these; so each library can be exchanged in one place."""

OFFERED = {"rag/retrieval/llama_index.py"}
"""Modules that a library's own users import, and that nothing here does."""

HEAVY = {"chromadb", "llama_index", "mcp", "openai", "onnx", "onnxruntime"}
"""What may be imported within functions alone: `footnote --help` must not pay for it."""

VAGUE = {"utils", "util", "core", "common", "manager", "helper", "helpers", "base", "misc"}
LINES = 400  # the aim is 200, and above 300 one asks


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node, node.module


def at_import(tree: ast.Module) -> set[ast.stmt]:
    """The statements that run when the module is imported, type checking aside."""
    found: set[ast.stmt] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        found.add(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            waiting += node.body + node.orelse
        elif isinstance(node, ast.Try | ast.With):
            waiting += node.body
    return found


def test_a_library_is_imported_at_its_home_only() -> None:
    strays = [
        f"{module} in {name(path)}"
        for path, tree in TREES.items()
        for _, module in imports(tree)
        if name(path) not in HOMES.get(module.partition(".")[0], {name(path)})
    ]
    assert strays == []


def test_heavy_libraries_are_imported_within_functions() -> None:
    eager = [
        f"{module} in {name(path)}"
        for path, tree in TREES.items()
        if name(path) not in OFFERED
        for node, module in imports(tree)
        if module.partition(".")[0] in HEAVY and node in at_import(tree)
    ]
    assert eager == []


def test_what_is_offered_to_a_librarys_users_is_imported_by_none_of_us() -> None:
    stems = {Path(offered).stem for offered in OFFERED}
    used = [
        name(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in stems
    ]
    assert used == []


def test_first_party_imports_show_the_architecture() -> None:
    """Relative within a package, absolute between packages."""
    absolute = [
        f"{module} in {name(path)}"
        for path, tree in TREES.items()
        for _, module in imports(tree)
        if module.partition(".")[0] == name(path).partition("/")[0]
    ]
    assert absolute == []


def test_the_environment_is_read_in_api_alone() -> None:
    """By its settings alone. Written it is where a library listens to nothing else: ONNX Runtime's
    telemetry, and prometheus_client's folder that workers share."""
    reads = [
        f"{name(path)}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert {read.partition(":")[0] for read in reads} <= {
        "index/embed/minilm.py",
        "api/telemetry/metrics.py",
    }


def test_a_file_is_one_thing_says_what_and_stays_small() -> None:
    odd = [
        name(path)
        for path, tree in TREES.items()
        if path.stem in VAGUE
        or not ast.get_docstring(tree)
        or len(path.read_text().splitlines()) > LINES
    ]
    assert odd == []
