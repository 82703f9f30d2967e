#!/bin/bash
# SPDX-License-Identifier: MIT
#
# format.sh: whether clang-format would change a source file. Versions differ in details, so only the
# one that Debian 12 has is asked; exit 77, which ctest calls skipped, where it is not installed, or
# this is no checkout of git.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-format-14 >/dev/null && git rev-parse --git-dir >/dev/null 2>&1 || exit 77
git ls-files -z -- '*.c' '*.h' | xargs -0 clang-format-14 --dry-run -Werror
