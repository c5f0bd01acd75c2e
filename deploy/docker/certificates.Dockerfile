# docker build -f deploy/docker/certificates.Dockerfile -t shortly-certificates .
#
# certbot, and the loop around it that has nginx start before there is a certificate.
# Build time:  PYTHON_IMAGE, CERTBOT_VERSION (ARG).  Run time: DOMAIN, EXTRA_DOMAINS, ACME_EMAIL, ACME_SERVER (ENV).
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ARG CERTBOT_VERSION=5.8.0
RUN --mount=type=cache,target=/root/.cache python -m venv /opt/certbot && \
    /opt/certbot/bin/pip install --disable-pip-version-check "certbot==${CERTBOT_VERSION}"

FROM ${PYTHON_IMAGE}
ARG VERSION=0 REVISION=unknown PYTHON_IMAGE
LABEL org.opencontainers.image.title="Shortly certificates" \
      org.opencontainers.image.description="Issues and renews the certificate of a Shortly installation" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# nginx's number, so that it alone can read the key; the user needs no name.
RUN install -d -o 101 -g 101 -m 0750 /etc/certificates && install -d -o 101 -g 101 -m 0755 /var/lib/acme
COPY --from=build /opt/certbot /opt/certbot
COPY deploy/certificates/certificates.py /opt/certificates.py
ENV PATH=/opt/certbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 101:101
VOLUME ["/etc/certificates", "/var/lib/acme"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/opt/certificates.py", "--healthy"]
ENTRYPOINT ["python", "/opt/certificates.py"]
