# Sourced by benches/run and benches/guard.

# Callgrind counts the instructions.
need_valgrind() {
  command -v valgrind >/dev/null && return
  echo "valgrind is missing: installing Debian's" >&2
  { apt-get update && apt-get install --yes --no-install-recommends valgrind; } >/dev/null
}
