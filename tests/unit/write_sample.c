/* Writes the sample plan: write_sample cbor|json > FILE. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "backends/cbor/cbor.h"
#include "backends/json/json.h"
#include "tests/unit/sample_plan.h"

int main(int argc, char **argv)
{
	struct sink out = { 0 };
	bool ok = argc == 2 && (!strcmp(argv[1], "cbor")
				    ? cbor_emit(sample_plan(), &out)
				    : !strcmp(argv[1], "json") && json_emit(sample_plan(), &out));

	ok = ok && fwrite(out.data, 1, out.size, stdout) == out.size;
	sink_free(&out);
	return ok ? 0 : 2;
}
