/* Reading the world: an immutable, counted snapshot, renewed when the file was replaced. */
#define _GNU_SOURCE
#include "world.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Tools bump the shared generation and are seen by the next call; an editor does not, so the file
 * itself is looked at too, at most this often. */
static const long LOOK_EVERY_NS = 20 * 1000 * 1000;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct world *current;
static const unsigned long long *shared_generation;
static unsigned long long seen_generation;
static struct stat seen_file;
static struct timespec next_look;

const char *world_directory(void)
{
    return getenv("SIMULATED_SERVER");
}

/* ---- text ---- */

static int by_key(const void *left, const void *right)
{
    return strcmp(((const struct entry *)left)->key, ((const struct entry *)right)->key);
}

static void section_sort(struct section *section)
{
    if (section->count)
        qsort(section->entries, section->count, sizeof(struct entry), by_key);
}

static bool section_add(struct section *section, const char *key, const char *value)
{
    if (section->count == section->room) {
        unsigned int room = section->room ? section->room * 2 : 32;
        struct entry *grown = realloc(section->entries, room * sizeof *grown);
        if (!grown)
            return false;
        section->entries = grown;
        section->room = room;
    }
    section->entries[section->count++] = (struct entry){key, value};
    section->faulty |= strncmp(key, "call.", 5) == 0;
    return true;
}

const char *section_text(const struct section *section, const char *key)
{
    struct entry wanted = {key, NULL};
    struct entry *found;

    if (!section->count)
        return NULL;
    found = bsearch(&wanted, section->entries, section->count, sizeof wanted, by_key);
    return found ? found->value : NULL;
}

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

static struct section *section_named(struct world *world, const char *header)
{
    unsigned int slot;

    if (strcmp(header, "[server]") == 0)
        return &world->server;
    if (strcmp(header, "[every gpu]") == 0)
        return &world->every;
    if (sscanf(header, "[gpu %u]", &slot) == 1 && slot < GPUS_MAX) {
        world->described[slot] = true;
        return &world->gpus[slot];
    }
    return NULL;
}

static bool parse_line(struct world *world, struct section **section, char *line)
{
    char *equals;

    line = trim(line);
    if (*line == '\0' || *line == '#')
        return true;
    if (*line == '[') {
        *section = section_named(world, line);
        return *section != NULL;
    }
    equals = strchr(line, '=');
    if (!equals || !*section)
        return false;
    *equals = '\0';
    return section_add(*section, trim(line), trim(equals + 1));
}

static bool parse_world(struct world *world)
{
    struct section *section = NULL;
    char *rest = world->text, *line;

    while ((line = strsep(&rest, "\n")))
        if (!parse_line(world, &section, line))
            return false;
    section_sort(&world->server);
    section_sort(&world->every);
    for (unsigned int slot = 0; slot < GPUS_MAX; slot++)
        section_sort(&world->gpus[slot]);
    return true;
}

static char *read_file(const char *name, struct stat *status)
{
    char path[4096], *text = NULL;
    ssize_t length = 0, step = 1;
    int file;

    if (!world_directory())
        return NULL;
    snprintf(path, sizeof path, "%s/%s", world_directory(), name);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    if (fstat(file, status) == 0 && (text = malloc((size_t)status->st_size + 1))) {
        while (step > 0 && length < status->st_size) {
            step = read(file, text + length, (size_t)(status->st_size - length));
            length += step > 0 ? step : 0;
        }
        text[length] = '\0';
    }
    close(file);
    return text;
}

static struct clock read_clock(void)
{
    struct clock clock = {0, 0, 0, 1};
    struct timespec boottime, wall;
    struct stat status;
    char *text = read_file("clock", &status);
    bool known = text && sscanf(text, "anchor = %lf wall = %lf boottime = %lf rate = %lf",
                                &clock.anchor, &clock.wall, &clock.boottime, &clock.rate) == 4;

    free(text);
    if (!known) {
        clock_gettime(CLOCK_BOOTTIME, &boottime);
        clock_gettime(CLOCK_REALTIME, &wall);
        clock.anchor = clock.boottime = (double)boottime.tv_sec + (double)boottime.tv_nsec / 1e9;
        clock.wall = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9;
        clock.rate = 1;
    }
    return clock;
}

/* ---- snapshots ---- */

static void world_free(struct world *world)
{
    free(world->text);
    free(world->server.entries);
    free(world->every.entries);
    for (unsigned int slot = 0; slot < GPUS_MAX; slot++)
        free(world->gpus[slot].entries);
    free(world);
}

static unsigned long server_microseconds(const struct world *world, const char *key)
{
    const char *text = section_text(&world->server, key);
    return text ? strtoul(text, NULL, 10) : 0;
}

static struct world *world_load(struct stat *status)
{
    struct world *world = calloc(1, sizeof *world);

    if (!world)
        return NULL;
    world->text = read_file("world", status);
    if (!world->text || !parse_world(world)) {
        world_free(world);
        return NULL;
    }
    world->references = 1;
    world->clock = read_clock();
    world->driver = version_number(server_text(world, "driver_version"));
    world->burn_call_us = server_microseconds(world, "burn_call_us");
    world->burn_field_us = server_microseconds(world, "burn_field_us");
    world->missing = server_text(world, "missing");
    return world;
}

static void open_generation(void)
{
    char path[4096];
    void *page;
    int file;

    if (shared_generation || !world_directory())
        return;
    snprintf(path, sizeof path, "%s/generation", world_directory());
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    page = mmap(NULL, sizeof *shared_generation, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        shared_generation = page;
}

static bool file_changed(void)
{
    struct timespec now;
    struct stat status;
    char path[4096];

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec < next_look.tv_sec ||
        (now.tv_sec == next_look.tv_sec && now.tv_nsec < next_look.tv_nsec))
        return false;
    next_look.tv_nsec = (now.tv_nsec + LOOK_EVERY_NS) % 1000000000L;
    next_look.tv_sec = now.tv_sec + (now.tv_nsec + LOOK_EVERY_NS) / 1000000000L;
    snprintf(path, sizeof path, "%s/world", world_directory());
    if (stat(path, &status) != 0)
        return false;
    return status.st_ino != seen_file.st_ino || status.st_size != seen_file.st_size ||
           status.st_mtim.tv_sec != seen_file.st_mtim.tv_sec ||
           status.st_mtim.tv_nsec != seen_file.st_mtim.tv_nsec;
}

static void renew(void)
{
    unsigned long long generation = 0;
    struct world *fresh;

    open_generation();
    if (shared_generation)
        generation = __atomic_load_n(shared_generation, __ATOMIC_ACQUIRE);
    if (current && generation == seen_generation && !file_changed())
        return;
    fresh = world_load(&seen_file);
    if (!fresh) /* a file half written by hand: the last good one goes on */
        return;
    seen_generation = generation;
    if (current && --current->references == 0)
        world_free(current);
    current = fresh;
}

struct world *world_acquire(void)
{
    struct world *world;

    if (!world_directory())
        return NULL;
    pthread_mutex_lock(&guard);
    renew();
    world = current;
    if (world)
        world->references++;
    pthread_mutex_unlock(&guard);
    return world;
}

void world_release(struct world *world)
{
    if (!world)
        return;
    pthread_mutex_lock(&guard);
    if (--world->references == 0)
        world_free(world);
    pthread_mutex_unlock(&guard);
}
