# SPDX-License-Identifier: MIT
# The file IN as a C source OUT with a function FUNCTION() that returns its bytes, declared in HEADER.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"${HEADER}\"\n\nstatic const uint8_t bytes[] = {${bytes}};\n\n"
     "struct slice ${FUNCTION}(void)\n{\n    return slice_of(bytes, ${size});\n}\n")
