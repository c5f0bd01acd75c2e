# docker build -f deploy/docker/backend.Dockerfile -t shortly .
#
# Build time:  PYTHON_IMAGE, NODE_IMAGE, UV_VERSION, VERSION, REVISION (ARG).  Run time: every setting of docs/reference/settings.md (ENV).
ARG PYTHON_IMAGE=python:3.13-slim
ARG NODE_IMAGE=node:24-slim

# The web app, by the very steps of frontend.Dockerfile, so that whoever builds both builds it once.
FROM ${NODE_IMAGE} AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN --mount=type=cache,target=/root/.cache pip install --root-user-action=ignore "uv==${UV_VERSION}"
WORKDIR /build
# What Shortly stands on changes seldom: a layer of its own.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE hatch_build.py ./
COPY src ./src
COPY --from=web /build/src/shortly/ui ./src/shortly/ui
RUN --mount=type=cache,target=/root/.cache uv sync --frozen --no-dev --no-editable

FROM ${PYTHON_IMAGE}
ARG VERSION=0 REVISION=unknown PYTHON_IMAGE
LABEL org.opencontainers.image.title="Shortly" \
      org.opencontainers.image.description="A self-hosted link shortener: redirects, API, web app" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
RUN groupadd --gid 10001 shortly && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin shortly && \
    install -d -o 10001 -g 10001 -m 0750 /data /backups && \
    install -d -o 10001 -g 10001 -m 0755 /run/secrets
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 DATA_DIR=/data LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["shortly"]
CMD ["serve"]
