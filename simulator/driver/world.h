/* The world: what the simulated server is like now, read from a text file that others replace. */
#ifndef SIMULATOR_WORLD_H
#define SIMULATOR_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "api.h"

#define GPUS_MAX 64

struct entry {
    const char *key, *value;
};

struct section {
    struct entry *entries; /* sorted by key */
    unsigned int count, room;
    bool faulty;           /* some call.* key is set: hot calls look no further otherwise */
};

struct clock {
    double anchor, wall, boottime, rate; /* seconds; anchor is the real CLOCK_BOOTTIME */
};

struct world {
    int references;
    char *text;                     /* the file; every key and value points into it */
    struct section server, every;   /* [server], [every gpu] */
    struct section gpus[GPUS_MAX];  /* [gpu N], by slot */
    bool described[GPUS_MAX];
    struct clock clock;
    unsigned int driver;            /* 580.95.05 is 580095: what field ids depend on */
    unsigned long burn_call_us, burn_field_us;
    const char *missing;            /* symbols this driver does not have, or NULL */
};

/* One slot of one world, with what every GPU has in common behind it. */
struct view {
    const struct world *world;
    unsigned int slot;
};

const char *world_directory(void);
struct world *world_acquire(void); /* NULL when there is no world to read; release what you get */
void world_release(struct world *world);

const char *section_text(const struct section *section, const char *key);
const char *server_text(const struct world *world, const char *key);
bool server_flag(const struct world *world, const char *key);

/* The raw text of a key for a GPU: its own, else everybody's, else NULL. */
const char *view_text(struct view view, const char *key);

/* A value, or why there is none: NVML_ERROR_NOT_SUPPORTED for an absent key, N for "error N". */
nvmlReturn_t view_string(struct view view, const char *key, const char **value);
nvmlReturn_t view_number(struct view view, const char *key, long long *value);

double clock_boottime(const struct clock *clock);
double clock_wall(const struct clock *clock);

/* Parse "580.95.05" into 580095; 0 when it is no version. */
unsigned int version_number(const char *text);

/* Copy a value into a fixed buffer, undoing \xNN; false when it does not fit. */
bool copy_text(char *buffer, size_t size, const char *text);

/* The same for a field of raw bytes, which may fill it to the last byte. */
void copy_bytes(unsigned char *buffer, size_t size, const char *text);

#endif
