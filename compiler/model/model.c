#include <config.h>

#include "compiler/model/model.h"

const char *symbol_kind_word(enum symbol_kind kind)
{
	static const char *const words[N_SYMBOL_KINDS] = {
		[SYM_LET] = "a constant",	  [SYM_ATTRIBUTE] = "an attribute",
		[SYM_FUNCTION] = "a function",	  [SYM_DOMAIN] = "a domain",
		[SYM_NODE] = "a node",		  [SYM_CLASS] = "a class",
		[SYM_PIPELINE] = "a pipeline",	  [SYM_INSTANCE] = "an instance",
		[SYM_SLO] = "an slo",		  [SYM_GROUP] = "a group",
		[SYM_APPLICATION] = "an application", [SYM_TARGET] = "a target",
	};

	return words[kind];
}
