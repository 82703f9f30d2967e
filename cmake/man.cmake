# SPDX-License-Identifier: MIT
# TEMPLATE with the line REFERENCE-OF-ALL-KEYS replaced by the file REFERENCE, as text that is not filled.
file(READ ${REFERENCE} reference)
file(READ ${TEMPLATE} page)
string(REPLACE "\\" "\\e" reference "${reference}")
string(REPLACE "-" "\\-" reference "${reference}")
string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" reference "${reference}")
string(REPLACE "REFERENCE-OF-ALL-KEYS" "${reference}" page "${page}")
file(WRITE ${OUT} "${page}")
