/* How the proxy tells its state. */
#ifndef EPIC_SOCKS_STATUS_H
#define EPIC_SOCKS_STATUS_H

#include "runtime/core/text.h"
#include "runtime/socks/server.h"

/* One object on one line, schema "epic.socksd/1"; keys are sorted. */
void status_json(struct server *, struct text *);
/* Families epic_socksd_...; those of flows begin anew with every reload. */
void status_prometheus(struct server *, struct text *);
void status_human(struct server *, struct text *);
/* The open connections, at most MOST: number, client, server, application, the flow's place, bytes
 * forward and back, milliseconds. */
void status_connections(struct server *, struct text *, size_t most);

#endif
