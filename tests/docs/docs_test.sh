#!/bin/sh
# Every command in these documents does what they show.
[ -x /usr/bin/python3 ] || { echo "skipped: /usr/bin/python3 is missing"; exit 77; }
cd "${top_builddir:-.}" || exit 1
doc=${srcdir:-.}/doc
exec /usr/bin/python3 -B "${srcdir:-.}/tests/docs/docs_test.py" "$doc/../README.md" "$doc/tutorial.md" "$doc/mistakes.md" \
	"$doc/guide-consortium.md" "$doc/guide-operator.md" "$doc/guide-ci.md"
