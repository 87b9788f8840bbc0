"""Settings: who wins, what a bad one says, and that a key is never shown."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from api.errors import SettingRefused
from api.settings import Settings, load_settings
from tests.support.settings_table import settings_table

KEY = "sk-never-to-be-seen"


@pytest.fixture(autouse=True)
def elsewhere(bare_environment: Path) -> Path:
    return bare_environment


def test_flags_win_over_variables_over_dotenv_over_toml_over_defaults(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [load_settings({}).port]
    (elsewhere / "footnote.toml").write_text("port = 8001\n")
    ports.append(load_settings({}).port)
    (elsewhere / ".env").write_text("FOOTNOTE_PORT=8002\n")
    ports.append(load_settings({}).port)
    monkeypatch.setenv("FOOTNOTE_PORT", "8003")
    ports.append(load_settings({}).port)
    ports.append(load_settings({"port": 8004}).port)
    assert ports == [8000, 8001, 8002, 8003, 8004]


def test_each_source_keeps_what_a_stronger_one_does_not_say(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "footnote.toml").write_text('[llm]\nmodel = "a"\ntemperature = 0.5\n')
    monkeypatch.setenv("FOOTNOTE_LLM__MODEL", "b")
    llm = load_settings({"llm.max_tokens": 99}).llm
    assert (llm.model, llm.temperature, llm.max_tokens) == ("b", 0.5, 99)


def test_a_model_as_judge_needs_a_model() -> None:
    with pytest.raises(SettingRefused, match=r"set llm\.model"):
        load_settings({"support_judge": "model"})
    assert load_settings({"support_judge": "model", "llm.model": "a"}).support_judge == "model"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM__MODEL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    llm = load_settings({}).llm
    assert llm.model is None
    assert llm.api_key is None


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_the_variables_of_openai_fill_what_is_not_said(
    place: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    if place == "dotenv":
        (elsewhere / ".env").write_text("".join(f"{k}={v}\n" for k, v in variables.items()))
    for name, value in variables.items() if place == "environment" else ():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FOOTNOTE_EMBED__BASE_URL", "http://127.0.0.1:8/v1")
    settings = load_settings({})
    assert settings.llm.api_key is not None
    assert settings.llm.api_key.get_secret_value() == KEY
    assert settings.llm.base_url == "http://127.0.0.1:9/v1"
    assert settings.embed.base_url == "http://127.0.0.1:8/v1"
    assert settings.llm.model is None, "a key alone turns no model on"


def test_formats_are_read_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_FORMATS", "txt, md ,csv")
    assert load_settings({}).formats == ("txt", "md", "csv")


BAD: list[tuple[str, str, str]] = [
    ("FOOTNOTE_PORT", "99999", "port"),
    ("FOOTNOTE_PORT", "tcp://10.0.0.1:80", "port"),
    ("FOOTNOTE_COLLECTION", "../etc", "collection"),
    ("FOOTNOTE_SUPPORT_MODE", "loud", "support_mode"),
    ("FOOTNOTE_LLM__TEMPERATURE", "warm", "llm.temperature"),
    ("FOOTNOTE_LLM__MODLE", "x", "llm.modle"),
    ("FOOTNOTE_LLM", "{not json", "llm"),
]


@pytest.mark.parametrize(("variable", "value", "name"), BAD)
def test_a_bad_setting_is_refused_by_name_in_one_line(
    variable: str, value: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingRefused) as refused:
        load_settings({})
    assert refused.value.name == name
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("other", "value", "name"),
    [
        ("FOOTNOTE_EMBED__MODEL", "a-model", "embed.built_in"),
        ("FOOTNOTE_EMBED__RUNTIME", "openvino", "embed.runtime"),
    ],
)
def test_two_embedding_models_at_once_are_refused(
    other: str, value: str, name: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBED__BUILT_IN", "multilingual")
    assert load_settings({}).embed.built_in == "multilingual"
    monkeypatch.setenv(other, value)
    with pytest.raises(SettingRefused) as refused:
        load_settings({})
    assert refused.value.name == name


NEAREST = [
    ("FOOTNOTE_CORPSU", "FOOTNOTE_CORPUS"),
    ("FOOTNOTE_LLM_MODEL", "FOOTNOTE_LLM__MODEL"),
    ("FOOTNOTE_LLM__MODLE", "FOOTNOTE_LLM__MODEL"),
    ("FOOTNOTE_WIDGET_ORIGIN", "FOOTNOTE_WIDGET_ORIGINS"),
    ("footnote_publicurl", "FOOTNOTE_PUBLIC_URL"),
    ("FOOTNOTE_KEYS", "FOOTNOTE_KEY"),
    ("FOOTNOTE_RERANK__HEADERS", None),
    ("FOOTNOTE_XYZZY", None),
]


@pytest.mark.parametrize(("variable", "nearest"), NEAREST)
def test_a_misspelt_variable_is_refused_and_the_nearest_one_named(
    variable: str, nearest: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingRefused) as refused:
        load_settings({})
    assert variable.upper() in str(refused.value)
    if nearest:
        assert str(refused.value).endswith(f"; did you mean {nearest}?")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", "FOOTNOTE_CORPSU=x\n"),
        ("footnote.toml", 'corpsu = "x"\n'),
        ("footnote.toml", '[collections.a]\ncorpus = "a"\n[widget]\norigins = "a"\n'),
    ],
)
def test_a_misspelt_name_in_a_file_is_refused_with_the_nearest(
    file: str, text: str, elsewhere: Path
) -> None:
    (elsewhere / file).write_text(text)
    with pytest.raises(SettingRefused, match=r"no such setting; did you mean FOOTNOTE_\w+\?$"):
        load_settings({})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FOOTNOTE_KEY", "fn_x"),
        ("FOOTNOTE_TEST_DATA", "/somewhere"),
        ("FOOTNOTE_CORPSU", ""),
        ("FOOTNOTE_COLLECTIONS__WIKI__CORPUS", "wiki"),
        ("FOOTNOTE_LLM__HEADERS__TENANT", "7"),
        ("FOOTNOTE_LLM", '{"model": "a"}'),
        ("FOOTNOTE_WEB_SERVICE_HOST", "10.0.0.1"),
        ("FOOTNOTE_SERVICE_PORT_HTTP", "8000"),
        ("FOOTNOTE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("FOOTNOTE_WEB_PORT", "tcp://10.0.0.1:80"),
        ("MY_FOOTNOTE_CORPSU", "x"),
    ],
)
def test_what_is_no_misspelt_setting_is_let_be(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    load_settings({})


@pytest.mark.parametrize("text", ["nonsense = 1\n", "port = = 1\n"])
def test_a_bad_file_is_refused(text: str, elsewhere: Path) -> None:
    (elsewhere / "footnote.toml").write_text(text)
    with pytest.raises(SettingRefused):
        load_settings({})


LEAKS: list[Callable[[Settings], str]] = [
    repr,
    str,
    lambda settings: repr(settings.llm),
    lambda settings: settings.model_dump_json(),
    lambda settings: str(settings.model_dump()),
]


@pytest.mark.parametrize("show", LEAKS)
def test_a_key_is_never_shown(
    show: Callable[[Settings], str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("FOOTNOTE_LLM__API_KEY", KEY)
    monkeypatch.setenv("FOOTNOTE_LLM__HEADERS", f'{{"x-token": "{KEY}"}}')
    settings = load_settings({})
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("footnote").info("%s", settings)
    assert KEY not in show(settings) + caplog.text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FOOTNOTE_LLM", f'{{"api_key": "{KEY}"'),
        ("FOOTNOTE_LLM", f'{{"api_key": ["{KEY}"]}}'),
        ("FOOTNOTE_LLM__BASE_URL", f"ftp://user:{KEY}@host"),
        ("FOOTNOTE_LLM__HEADERS", f'["{KEY}"]'),
    ],
)
def test_a_malformed_key_is_not_shown_either(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingRefused) as refused:
        load_settings({})
    assert KEY not in str(refused.value)


def test_the_table_names_every_setting_with_its_meaning() -> None:
    rows = settings_table().splitlines()[2:]
    assert (
        "| `FOOTNOTE_LLM__MODEL` |  | Chat model that writes answers; unset: sources are quoted |"
        in rows
    )
    assert all(not row.endswith("| None |") for row in rows)
    assert len(rows) == len(set(rows)) > len(Settings.model_fields)
