# docker build -f deploy/docker/frontend.Dockerfile -t shortly-frontend .
#
# The web app alone, served by nginx on port 3000 as a user without rights. Its settings are those of the backend's API.
# Build time:  NODE_IMAGE, NGINX_IMAGE, VERSION, REVISION (ARG).  Run time: nothing to set.
ARG NODE_IMAGE=node:24-slim
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.30

FROM ${NODE_IMAGE} AS build
WORKDIR /build/web
# What the app stands on changes seldom: a layer of its own.
COPY web/package.json web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web ./
# Leaves ../src/shortly/ui, with Brotli and gzip forms beside the files.
RUN npm run build

FROM ${NGINX_IMAGE}
ARG VERSION=0 REVISION=unknown NGINX_IMAGE
LABEL org.opencontainers.image.title="Shortly frontend" \
      org.opencontainers.image.description="The web app of Shortly, a self-hosted link shortener" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${NGINX_IMAGE}"
COPY deploy/nginx/frontend.conf /etc/nginx/nginx.conf
COPY deploy/nginx/logging.conf deploy/nginx/safe-headers.conf /etc/nginx/shortly/
COPY --from=build /build/src/shortly/ui /usr/share/nginx/html
USER 101:101
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:3000/"]
ENTRYPOINT ["nginx"]
CMD ["-g", "daemon off;"]
