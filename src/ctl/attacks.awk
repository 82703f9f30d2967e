# SPDX-License-Identifier: MIT
#
# attacks.awk: makes C out of attacks.toml: a line ATTACK(id, what, open, by, advice, lasting) for
# each attack, for attacks.c. Reads the plain part of TOML that the table is written in.

function value(line) {
    sub(/^[a-z]+ = /, "", line)
    return line
}

function levels(line, words) {
    words = value(line)
    gsub(/[\[\]" ]/, "", words)
    gsub(/-/, "_", words)
    words = toupper(words)
    gsub(/,/, ") | LEVEL_BIT(LEVEL_", words)
    return words == "" ? "0" : "LEVEL_BIT(LEVEL_" words ")"
}

function flush_attack() {
    if (id != "") {
        printf "ATTACK(%s, %s, %s, %s, %s, %s)\n", id, what, open, by, advice, lasting
    }
    id = ""; advice = "\"\""; lasting = "false"
}

/^\[\[attack\]\]/ { flush_attack() }
/^id = / { id = value($0) }
/^what = / { what = value($0) }
/^open = / { open = levels($0) }
/^by = / { by = value($0) }
/^advice = / { advice = value($0) }
/^lasting = / { lasting = value($0) }
END { flush_attack() }
