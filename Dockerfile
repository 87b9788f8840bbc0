# The service without the evaluation: an unprivileged user, a read-only root, a writable /data.
# docker build -t footnote . && docker run --read-only -p 127.0.0.1:8000:8000 \
#   -v "$PWD/seeds:/articles:ro" -v footnote:/data -e FOOTNOTE_INSECURE=true footnote

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml requirements-extras.lock README.md LICENSE ./
COPY api api
COPY index index
COPY rag rag
# Such as `--build-arg EXTRAS=mcp,shared` for several replicas.
ARG EXTRAS=mcp
# The lock is a constraint: the tested versions and hashes, but only of what the service needs.
RUN python -m venv --without-pip /opt/footnote \
 && uv pip install --no-cache --compile-bytecode --python /opt/footnote/bin/python \
      --constraint requirements-extras.lock --build-constraint requirements-extras.lock ".[$EXTRAS]"

FROM python:3.11-slim
COPY --from=build /opt/footnote /opt/footnote
RUN install -d -m 700 -o 10001 -g 10001 /data
ENV PATH=/opt/footnote/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    TMPDIR=/data \
    FOOTNOTE_DATA_DIR=/data \
    FOOTNOTE_CORPUS=/articles \
    FOOTNOTE_HOST=0.0.0.0 \
    FOOTNOTE_PORT=8000
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["footnote"]
CMD ["serve"]
