/* What can be set by a flag, a variable and a configuration file alike: one row each.
 *
 * Whoever sets a value says how strong its word is; a weaker one that comes later changes nothing.
 */
#ifndef EPIC_TOOLS_SETTINGS_H
#define EPIC_TOOLS_SETTINGS_H

#include "compiler/tools/command.h"

struct setting {
	const char *name;     /* of the property and of the flag */
	const char *variable; /* of the environment; NULL: none */
	const char *initial;  /* default, for people */
	const char *form;     /* "a time like 60s" */
	bool text, path;      /* written as a string; relative to the file that says it */
	bool (*set)(struct options *, const char *value);
};

extern const struct setting settings[N_SETTINGS];

/* N_SETTINGS: there is none. */
enum setting_id setting_find(const char *name);
/* False: VALUE is not of the setting's form.  WHERE is kept and shown by `version -v`. */
bool setting_set(struct options *, enum setting_id, const char *value, enum setting_rank,
		 const char *where);
/* From the environment; NULL, or the variable whose value is wrong. */
const char *settings_from_environment(struct options *);
/* Once all have spoken: what follows from them, like colours. */
void settings_finish(struct options *);

/* Values of flags from their texts; false: not of the form. */
bool setting_number(const char *, size_t *);
bool setting_time(const char *, double *seconds);
bool setting_share(const char *, double *share);
bool setting_date(const char *);
/* Which of the words, joined by |. */
bool setting_word(const char *words, const char *, int *index);

#endif
