#!/bin/sh
# summary.sh SKIPS DIR: counts the results of `make check` below DIR, shows the log of
# what failed, and ends with "N passed, N failed, N skipped".  A skip that is not
# listed in SKIPS with its reason counts as a failure.
set -u
skips=$1
dir=$2
passed=0 failed=0 skipped=0

for trs in $(find "$dir" -name '*.trs' -not -path '*/_build/*' -not -path '*/epic-[0-9]*' | sort); do
	test=${trs#"$dir"/}
	test=${test%.trs}
	case $(sed -n 's/^:global-test-result: //p' "$trs") in
	PASS | XFAIL)
		passed=$((passed + 1))
		;;
	SKIP)
		skipped=$((skipped + 1))
		printf 'skipped: %s: %s\n' "$test" "$(tail -n 2 "${trs%.trs}.log" | head -n 1)"
		if ! grep -q "^$test[[:space:]]" "$skips"; then
			printf 'not listed in tests/skips: %s\n' "$test"
			failed=$((failed + 1))
		fi
		;;
	*)
		failed=$((failed + 1))
		printf '\nfailed: %s\n' "$test"
		tail -n 40 "${trs%.trs}.log"
		;;
	esac
done
[ $((passed + failed)) -gt 0 ] || { echo "no test ran"; failed=1; }
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
