"""A fake trace collector: OTLP over real gRPC on loopback."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self


class FakeOtlpCollector:
    """An OTLP collector on a free loopback port that stores every span it receives."""

    def __init__(self) -> None:
        import grpc
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

        self.spans: list[Any] = []
        """As received, in the protobuf messages of the wire."""
        self.resources: list[dict[str, Any]] = []
        self._server = grpc.server(ThreadPoolExecutor(1))
        service.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def Export(self, request: Any, context: Any) -> Any:
        """Stores a batch; the name is the protocol's."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceResponse,
        )

        for batch in request.resource_spans:
            self.resources.append(attributes(batch.resource))
            for scope in batch.scope_spans:
                self.spans.extend(scope.spans)
        return ExportTraceServiceResponse()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stop(None).wait()


def attributes(message: Any) -> dict[str, Any]:
    """Returns the attributes of a span or resource."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in message.attributes}
