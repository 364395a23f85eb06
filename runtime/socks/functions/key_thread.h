/* What the threads of keyrings and key brokers share: their start, their clock, their bell. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_THREAD_H
#define EPIC_SOCKS_FUNCTIONS_KEY_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

int64_t key_thread_now(void); /* ms, monotonic */
/* With all signals blocked: they are for the program's own threads. */
bool key_thread_start(pthread_t *, void *(*run)(void *), void *arg);

/* Descriptors that can be read once they were rung; -1: errno. */
int key_bell(void);
void key_bell_ring(int bell);
void key_bell_still(int bell); /* as before it was rung */

#endif
