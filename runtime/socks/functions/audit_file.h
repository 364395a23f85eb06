/* The file of an audit log, which only grows, and the parts that it is cut into.
 *
 * Beside FILE stands FILE.head with number and hash of the last line that is known to be on the
 * disk, so that lines taken away from the end are noticed.  A part that is long enough is renamed
 * to FILE.NUMBER, of its last line; the first line of the next one names it, and the chain goes on.
 * One process has the file at a time (flock). */
#ifndef EPIC_SOCKS_AUDIT_FILE_H
#define EPIC_SOCKS_AUDIT_FILE_H

#include <time.h>

#include "runtime/socks/function.h"
#include "runtime/socks/functions/audit_chain.h"

struct audit_file;

/* Reads what is there: goes on where it ended, and notes a last line that a crash cut.  NULL: it
 * cannot be opened, is another's, or its chain is broken; *ERROR says which line. */
struct audit_file *audit_file_open(const char *path, const struct audit_key *,
				   struct function_error *);
void audit_file_close(struct audit_file *); /* NULL is fine */

/* Adds a line to what waits to be written.  False: no memory, nothing is added. */
bool audit_file_add(struct audit_file *, const char *time, const char *event, const char *members);
/* Writes what waits, whole lines by one write(2).  False: errno; what is left waits on. */
bool audit_file_flush(struct audit_file *);
/* To the disk, and the head with it.  False: errno. */
bool audit_file_sync(struct audit_file *);
/* Begins a new part; all must have been written.  False: errno; the old one goes on. */
bool audit_file_rotate(struct audit_file *, const char *time);

uint64_t audit_file_size(const struct audit_file *); /* bytes of the part */
const struct audit_chain *audit_file_chain(const struct audit_file *);
uint64_t audit_file_repaired(const struct audit_file *); /* bytes of a cut line that were noted */

/* What FILE.head says; false: it is there and cannot be read.  Missing: *SEQUENCE is 0. */
bool audit_head_read(const char *path, uint64_t *sequence, char hash[AUDIT_HEX + 1]);
/* Name of the part that ends with line SEQUENCE, with the directory of PATH. */
bool audit_part_name(const char *path, uint64_t sequence, char *out, size_t room);
/* Shows all lines of a file to the reader.  False: errno. */
bool audit_read_file(int fd, struct audit_reader *);

/* UTC, as in the log. */
enum { AUDIT_TIME = 40 };
void audit_time_text(const struct timespec *, char out[AUDIT_TIME]);
void audit_time(char out[AUDIT_TIME]); /* of now */
/* The bytes of a key file, without the LF at its end.  False: *ERROR. */
bool audit_key_read(const char *path, struct audit_key *, struct function_error *);

#endif
