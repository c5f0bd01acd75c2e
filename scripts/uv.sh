#!/usr/bin/env bash
# The uv that setup.sh fetched, apart from the caller's own environments and settings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unset VIRTUAL_ENV PYTHONPATH PYTHONHOME UV_PROJECT_ENVIRONMENT CONDA_PREFIX
export UV_PYTHON_DOWNLOADS=never
# Trust what the machine trusts, a company's own authority too; a bare container has no such list.
[ ! -s /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
exec .make/uv/bin/uv "$@"
