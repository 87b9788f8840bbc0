"""The variables of libraries, and of the command line, that may hold a secret: they are redacted.

Nothing else is done with them here; each library reads its own.
"""

import re
from collections.abc import Iterator

from pydantic_settings import BaseSettings, SettingsConfigDict


class _LibraryVariables(BaseSettings):
    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    footnote_key: str = ""
    openai_api_key: str = ""
    openai_base_url: str = ""
    openai_admin_key: str = ""
    openai_webhook_secret: str = ""
    openai_custom_headers: str = ""
    otel_exporter_otlp_headers: str = ""
    otel_exporter_otlp_traces_headers: str = ""
    aws_access_key_id: str = ""
    aws_secret_access_key: str = ""
    aws_session_token: str = ""
    aws_token: str = ""
    aws_sse_customer_key_base64: str = ""
    aws_endpoint: str = ""
    aws_endpoint_url: str = ""
    aws_endpoint_url_s3: str = ""
    azure_storage_account_key: str = ""
    azure_storage_access_key: str = ""
    azure_storage_master_key: str = ""
    azure_storage_client_secret: str = ""
    azure_client_secret: str = ""
    azure_storage_sas_key: str = ""
    azure_storage_sas_token: str = ""
    azure_storage_token: str = ""
    azure_fabric_session_token: str = ""
    google_service_account_key: str = ""
    google_bearer_token: str = ""
    http_proxy: str = ""
    https_proxy: str = ""
    all_proxy: str = ""


def library_secrets() -> Iterator[str]:
    """Yields the variables' values, and the parts of lists of headers."""
    for name, value in _LibraryVariables().model_dump().items():
        yield value
        if name.endswith("headers"):
            for header in re.split(r"[,\n]", value):
                yield re.split("[=:]", header, maxsplit=1)[-1].strip()
