/* bmc.so: what a server's BMC does and OpenIPMI's ipmi_sim does not, loaded by it (`loadlib`).
 *
 * DCMI, chassis status, restart cause, watchdog, device busy, completion codes and refusals, a delay
 * before every answer, a log of every command, a SEL that somebody else clears. All of it is steered
 * by commands of the simulator's console, listed in `console` below, so that a change is in force
 * when its command has returned. The commands may stand in the command file too.
 */
#include <OpenIPMI/lanserv.h>
#include <OpenIPMI/mcserv.h>
#include <OpenIPMI/serv.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANY (-1)
#define APP 0x06
#define CHASSIS 0x00
#define STORAGE 0x0a
#define SENSOR 0x04
#define DCMI 0xdc
#define LAN_MEDIUM 4
#define NORMAL 0x00
#define INVALID_COMMAND 0xc1
#define BAD_PARAMETER 0xcc
#define REFUSALS_MAX 64
#define ANSWER_MAX 256

extern cmd_handler_f app_netfn_handlers[256];
extern cmd_handler_f chassis_netfn_handlers[256];
extern cmd_handler_f storage_netfn_handlers[256];
extern cmd_handler_f sensor_event_netfn_handlers[256];
extern cmd_handler_f transport_netfn_handlers[256];

static struct {
    int netfn;
    cmd_handler_f *now;
    cmd_handler_f stock[256];
} tables[] = {
    {.netfn = APP, .now = app_netfn_handlers},
    {.netfn = CHASSIS, .now = chassis_netfn_handlers},
    {.netfn = STORAGE, .now = storage_netfn_handlers},
    {.netfn = SENSOR, .now = sensor_event_netfn_handlers},
    {.netfn = 0x0c, .now = transport_netfn_handlers},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* A command that is answered with a completion code, to everybody or to little privilege. */
struct refusal {
    int netfn, command, code, below;
};

static struct {
    char directory[512];
    sys_data_t *system;
    long delay_ms;
    int log_descriptor;
    int busy;
    int sensor_code[256];        /* 0: none */
    int sensor_unavailable[256]; /* reading/state unavailable, bit 5 */
    struct refusal refusals[REFUSALS_MAX];
    int refusal_count;
    int has_watts;
    long watts[4]; /* now, least, most, average */
    unsigned char chassis[3];
    unsigned char restart_cause;
    unsigned char watchdog[8];
    int overflow;
} bmc = {.log_descriptor = -1, .has_watts = 1, .watts = {4800, 3900, 9800, 5100}, .chassis = {0x21},
         .watchdog = {0x04, 0, 0, 0, 0x84, 0x03, 0x84, 0x03}};

static cmd_handler_f stock(int netfn, int command)
{
    for (size_t i = 0; i < TABLES; i++)
        if (tables[i].netfn == netfn)
            return tables[i].stock[command];
    return NULL;
}

/* Asks the simulator itself; nothing of it is logged, delayed or refused. */
static unsigned int ask(lmc_data_t *mc, int netfn, int command, unsigned char *data,
                        unsigned int length, unsigned char *answer)
{
    cmd_handler_f handler = stock(netfn, command);
    unsigned int answered = 1;
    msg_t message;

    memset(&message, 0, sizeof(message));
    message.netfn = netfn;
    message.cmd = command;
    message.data = data;
    message.len = length;
    answer[0] = INVALID_COMMAND;
    if (handler)
        handler(mc, &message, answer, &answered, NULL);
    return answered;
}

/* -- what befalls every command -- */

static void log_command(const msg_t *message, int code)
{
    char line[1024];
    struct timespec now;
    int used;

    if (bmc.log_descriptor < 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    used = snprintf(line, sizeof(line), "%lld.%03ld channel=%d netfn=0x%02x command=0x%02x data=",
                    (long long) now.tv_sec, now.tv_nsec / 1000000, message->channel, message->netfn,
                    message->cmd);
    for (unsigned int i = 0; i < message->len && i < ANSWER_MAX; i++)
        used += snprintf(line + used, sizeof(line) - used, "%02x", message->data[i]);
    used += snprintf(line + used, sizeof(line) - used, " code=0x%02x\n", code);
    if (write(bmc.log_descriptor, line, used) != used)
        fputs("bmc: the command log cannot be written\n", stderr);
}

static void wait_a_moment(void)
{
    struct timespec moment = {bmc.delay_ms / 1000, bmc.delay_ms % 1000 * 1000000};

    if (bmc.delay_ms > 0)
        nanosleep(&moment, NULL);
}

static channel_t *lan_channel(void)
{
    for (int i = 0; bmc.system && bmc.system->chan_set && i < IPMI_MAX_CHANNELS; i++) {
        channel_t *channel = bmc.system->chan_set[i];
        if (channel && channel->medium_type == LAN_MEDIUM)
            return channel;
    }
    return NULL;
}

/* The privilege of the session that sent a message; in band it is the highest. */
static int privilege_of(const msg_t *message)
{
    channel_t *channel = lan_channel();
    const lanserv_data_t *lan;

    if (!channel || message->orig_channel != channel)
        return IPMI_PRIVILEGE_ADMIN;
    lan = channel->chan_info;
    return lan->sessions[message->sid >> 1 & SESSION_MASK].priv;
}

static int refusal_of(const msg_t *message)
{
    for (int i = 0; i < bmc.refusal_count; i++) {
        const struct refusal *refusal = &bmc.refusals[i];
        if (refusal->netfn == message->netfn && refusal->command == message->cmd
            && (refusal->below == ANY || privilege_of(message) < refusal->below))
            return refusal->code;
    }
    return 0;
}

/* -- commands that are answered here, or whose answers are amended -- */

typedef void (*amend_f)(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length);

static void answer_with(const unsigned char *data, unsigned int size, unsigned char *answer,
                        unsigned int *length)
{
    answer[0] = NORMAL;
    memcpy(answer + 1, data, size);
    *length = size + 1;
}

static void chassis_status(lmc_data_t *mc, msg_t *message, unsigned char *answer,
                           unsigned int *length)
{
    (void) mc, (void) message;
    answer_with(bmc.chassis, sizeof(bmc.chassis), answer, length);
}

static void restart_cause(lmc_data_t *mc, msg_t *message, unsigned char *answer,
                          unsigned int *length)
{
    const unsigned char data[2] = {bmc.restart_cause, 1};

    (void) mc, (void) message;
    answer_with(data, sizeof(data), answer, length);
}

static void watchdog(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length)
{
    (void) mc, (void) message;
    answer_with(bmc.watchdog, sizeof(bmc.watchdog), answer, length);
}

static void self_test(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length)
{
    const unsigned char passed[2] = {0x55, 0x00};

    (void) mc, (void) message;
    answer_with(passed, sizeof(passed), answer, length);
}

static void device_id(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length)
{
    (void) mc, (void) message;
    if (bmc.busy && *length > 3)
        answer[3] |= 0x80; /* device available: 1 is an update or a start in progress */
}

static void sensor_reading(lmc_data_t *mc, msg_t *message, unsigned char *answer,
                           unsigned int *length)
{
    int number = message->len ? message->data[0] : 0;

    (void) mc;
    if (bmc.sensor_code[number]) {
        answer[0] = bmc.sensor_code[number];
        *length = 1;
    } else if (bmc.sensor_unavailable[number] && *length > 2) {
        answer[1] = 0;
        answer[2] |= 0x20;
    }
}

static void sel_information(lmc_data_t *mc, msg_t *message, unsigned char *answer,
                            unsigned int *length)
{
    (void) mc, (void) message;
    if (bmc.overflow && answer[0] == NORMAL && *length > 14)
        answer[14] |= 0x80;
}

/* ipmi_sim 2.0.33 makes a record of the main SDR repository six bytes of uninitialised memory too
 * long: its answer is cut at the record's own length. */
static void sdr_record(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length)
{
    unsigned char request[6], header[ANSWER_MAX];
    unsigned int offset, end;

    if (answer[0] != NORMAL || message->len < 6)
        return;
    offset = message->data[4];
    memcpy(request, message->data, 4);
    request[4] = 0;
    request[5] = 5;
    if (ask(mc, STORAGE, 0x23, request, sizeof(request), header) < 8 || header[0] != NORMAL)
        return;
    end = header[7] + 5;
    if (offset >= end) {
        answer[0] = 0xc9;
        *length = 1;
    } else if (offset + *length - 3 > end)
        *length = end - offset + 3;
}

/* A FRU read that is too long: ipmi_sim says 0xc8, where BMCs mostly say 0xca. */
static void fru_data(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length)
{
    (void) mc, (void) message, (void) length;
    if (answer[0] == 0xc8)
        answer[0] = 0xca;
}

static const struct {
    int netfn, command, own; /* own: ipmi_sim is not asked at all */
    amend_f amend;
} amendments[] = {
    {CHASSIS, 0x01, 1, chassis_status}, {CHASSIS, 0x07, 1, restart_cause},
    {APP, 0x01, 0, device_id},          {APP, 0x04, 1, self_test},
    {APP, 0x25, 1, watchdog},           {SENSOR, 0x2d, 0, sensor_reading},
    {STORAGE, 0x11, 0, fru_data},       {STORAGE, 0x23, 0, sdr_record},
    {STORAGE, 0x40, 0, sel_information},
};
#define AMENDMENTS (sizeof(amendments) / sizeof(amendments[0]))

/* Stands in every slot of the simulator's tables. */
static void command(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length,
                    void *data)
{
    cmd_handler_f handler = stock(message->netfn, message->cmd);
    amend_f amend = NULL;
    int code = refusal_of(message);

    wait_a_moment();
    for (size_t i = 0; i < AMENDMENTS; i++)
        if (amendments[i].netfn == message->netfn && amendments[i].command == message->cmd) {
            amend = amendments[i].amend;
            if (amendments[i].own)
                handler = NULL;
        }
    if (code) {
        answer[0] = code;
        *length = 1;
    } else {
        if (handler)
            handler(mc, message, answer, length, data);
        else if (!amend)
            handle_invalid_cmd(mc, answer, length);
        if (amend)
            amend(mc, message, answer, length);
    }
    log_command(message, answer[0]);
}

/* -- DCMI (group extension 0xdc): DCMI specification 1.5 -- */

static void dcmi_text(const char *text, const msg_t *message, unsigned char *answer,
                      unsigned int *length)
{
    unsigned int total = strlen(text);
    unsigned int offset = message->len > 1 ? message->data[1] : 0;
    unsigned int size = message->len > 2 ? message->data[2] : 0;

    if (offset > total)
        offset = total;
    if (size > 16)
        size = 16;
    if (offset + size > total)
        size = total - offset;
    answer[2] = total;
    memcpy(answer + 3, text + offset, size);
    *length = 3 + size;
}

static void dcmi_capabilities(const msg_t *message, unsigned char *answer, unsigned int *length)
{
    static const unsigned char parameters[6][6] = {
        {0},          {3, 0x00, 0x01, 0x07}, {5, 0x40, 0x06, 0x00, 0x00, 0x10},
        {2, 0x00, 0}, {3, 0x01, 0xff, 0xff}, {5, 4, 0x01, 0x05, 0x41, 0x81},
    };
    unsigned int parameter = message->len > 1 ? message->data[1] : 0;

    if (parameter < 1 || parameter > 5) {
        answer[0] = BAD_PARAMETER;
        *length = 1;
        return;
    }
    answer[2] = 1; /* version 1.5, parameter revision 2 */
    answer[3] = 5;
    answer[4] = 2;
    memcpy(answer + 5, parameters[parameter] + 1, parameters[parameter][0]);
    *length = 5 + parameters[parameter][0];
}

static void dcmi_power(unsigned char *answer, unsigned int *length)
{
    if (!bmc.has_watts) {
        answer[0] = INVALID_COMMAND;
        *length = 1;
        return;
    }
    for (int i = 0; i < 4; i++)
        ipmi_set_uint16(answer + 2 + 2 * i, bmc.watts[i]);
    ipmi_set_uint32(answer + 10, time(NULL));
    ipmi_set_uint32(answer + 14, 1000); /* the period of the statistics, in milliseconds */
    answer[18] = 0x40;                  /* the measurement is active */
    *length = 19;
}

static void dcmi_answer(const msg_t *message, unsigned char *answer, unsigned int *length)
{
    answer[0] = NORMAL;
    answer[1] = DCMI;
    switch (message->cmd) {
    case 0x01:
        dcmi_capabilities(message, answer, length);
        break;
    case 0x02:
        dcmi_power(answer, length);
        break;
    case 0x06:
        dcmi_text("RACK-7-UNIT-12", message, answer, length);
        break;
    case 0x09:
        dcmi_text("simulated-bmc", message, answer, length);
        break;
    default:
        answer[0] = INVALID_COMMAND;
        *length = 1;
    }
}

static void dcmi(lmc_data_t *mc, msg_t *message, unsigned char *answer, unsigned int *length,
                 void *data)
{
    int code = refusal_of(message);

    (void) mc, (void) data;
    wait_a_moment();
    if (code) {
        answer[0] = code;
        answer[1] = DCMI;
        *length = 2;
    } else
        dcmi_answer(message, answer, length);
    log_command(message, answer[0]);
}

/* -- the console -- */

static int words(char **tokens, long *value, int most)
{
    const char *token;
    int count = 0;

    while (count < most && (token = mystrtok(NULL, " \t\n", tokens)))
        value[count++] = strcmp(token, "none") ? strtol(token, NULL, 0) : ANY;
    return count;
}

#define CONSOLE(name)                                                                             \
    static int name(emu_out_t *out __attribute__((unused)), emu_data_t *emu __attribute__((unused)), \
                    lmc_data_t *mc __attribute__((unused)), char **tokens)

CONSOLE(answer_delay) /* MILLISECONDS */
{
    return words(tokens, &bmc.delay_ms, 1) == 1 ? 0 : EINVAL;
}

CONSOLE(device_busy) /* 0|1 */
{
    long value;

    if (words(tokens, &value, 1) != 1)
        return EINVAL;
    bmc.busy = value;
    return 0;
}

CONSOLE(sensor_code) /* NUMBER CODE|none */
{
    long value[2];

    if (words(tokens, value, 2) != 2 || value[0] < 0 || value[0] > 255)
        return EINVAL;
    bmc.sensor_code[value[0]] = value[1] == ANY ? 0 : value[1];
    return 0;
}

CONSOLE(sensor_unavailable) /* NUMBER 0|1 */
{
    long value[2];

    if (words(tokens, value, 2) != 2 || value[0] < 0 || value[0] > 255)
        return EINVAL;
    bmc.sensor_unavailable[value[0]] = value[1];
    return 0;
}

CONSOLE(command_code) /* NETFN COMMAND CODE|none [BELOW_PRIVILEGE] */
{
    long value[4] = {0, 0, 0, ANY};
    int kept = 0;

    if (words(tokens, value, 4) < 3)
        return EINVAL;
    for (int i = 0; i < bmc.refusal_count; i++)
        if (bmc.refusals[i].netfn != value[0] || bmc.refusals[i].command != value[1])
            bmc.refusals[kept++] = bmc.refusals[i];
    bmc.refusal_count = kept;
    if (value[2] == ANY)
        return 0;
    if (kept == REFUSALS_MAX)
        return ENOSPC;
    bmc.refusals[bmc.refusal_count++] =
        (struct refusal){value[0], value[1], value[2], value[3]};
    return 0;
}

CONSOLE(dcmi_watts) /* NOW LEAST MOST AVERAGE | none */
{
    long value[4];
    int count = words(tokens, value, 4);

    if (count != 4 && !(count == 1 && value[0] == ANY))
        return EINVAL;
    bmc.has_watts = count == 4;
    if (bmc.has_watts)
        memcpy(bmc.watts, value, sizeof(value));
    return 0;
}

CONSOLE(chassis) /* POWER LAST_EVENT MISCELLANEOUS RESTART_CAUSE */
{
    long value[4];

    if (words(tokens, value, 4) != 4)
        return EINVAL;
    for (int i = 0; i < 3; i++)
        bmc.chassis[i] = value[i];
    bmc.restart_cause = value[3];
    return 0;
}

CONSOLE(watchdog_state) /* the eight bytes of Get Watchdog Timer */
{
    long value[8];

    if (words(tokens, value, 8) != 8)
        return EINVAL;
    for (int i = 0; i < 8; i++)
        bmc.watchdog[i] = value[i];
    return 0;
}

CONSOLE(command_log) /* 0|1 */
{
    char path[600];
    long value;

    if (words(tokens, &value, 1) != 1)
        return EINVAL;
    if (bmc.log_descriptor >= 0)
        close(bmc.log_descriptor);
    bmc.log_descriptor = -1;
    if (!value)
        return 0;
    snprintf(path, sizeof(path), "%s/commands", bmc.directory);
    bmc.log_descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return bmc.log_descriptor < 0 ? EIO : 0;
}

CONSOLE(bmc_clock) /* SECONDS_AHEAD: the clock of the SEL and the SDR repository */
{
    unsigned char data[4], answer[ANSWER_MAX];
    long ahead;

    if (words(tokens, &ahead, 1) != 1)
        return EINVAL;
    ipmi_set_uint32(data, time(NULL) + ahead);
    ask(mc, STORAGE, 0x49, data, sizeof(data), answer);
    ask(mc, STORAGE, 0x29, data, sizeof(data), answer);
    return 0;
}

CONSOLE(sel_overflow) /* 0|1 */
{
    long value;

    if (words(tokens, &value, 1) != 1)
        return EINVAL;
    bmc.overflow = value;
    return 0;
}

CONSOLE(sel_clear) /* as another tool does */
{
    unsigned char request[6] = {0, 0, 'C', 'L', 'R', 0xaa}, answer[ANSWER_MAX];

    (void) tokens;
    ask(mc, STORAGE, 0x42, NULL, 0, answer);
    memcpy(request, answer + 1, 2);
    ask(mc, STORAGE, 0x47, request, sizeof(request), answer);
    bmc.overflow = 0;
    return answer[0] == NORMAL ? 0 : EIO;
}

CONSOLE(sel_drop) /* NUMBER of the oldest entries, as a log that goes round does */
{
    unsigned char answer[ANSWER_MAX];
    long number;

    if (words(tokens, &number, 1) != 1)
        return EINVAL;
    while (number-- > 0) {
        unsigned char request[4] = {0};
        ask(mc, STORAGE, 0x42, NULL, 0, answer);
        memcpy(request, answer + 1, 2);
        ask(mc, STORAGE, 0x46, request, sizeof(request), answer); /* record 0 is the first */
        if (answer[0] != NORMAL)
            return EIO;
    }
    return 0;
}

/* Writes every entry, one a line. */
CONSOLE(report_sel)
{
    unsigned char request[6] = {0, 0, 0, 0, 0, 0xff}, answer[ANSWER_MAX];
    char path[600];
    FILE *file;

    (void) tokens;
    snprintf(path, sizeof(path), "%s/sel", bmc.directory);
    file = fopen(path, "w");
    if (!file)
        return EIO;
    while (ask(mc, STORAGE, 0x43, request, sizeof(request), answer) >= 19 && answer[0] == NORMAL) {
        for (int i = 0; i < 16; i++)
            fprintf(file, "%02x", answer[3 + i]);
        fputc('\n', file);
        memcpy(request + 2, answer + 1, 2);
        if (answer[1] == 0xff && answer[2] == 0xff)
            break;
    }
    return fclose(file) ? EIO : 0;
}

/* A slot that is marked as used, so that it cannot be: no session has user 0. */
static int is_taken(const session_t *session)
{
    return session->active && session->userid == 0 && !session->in_startup;
}

CONSOLE(free_sessions) /* NUMBER that can still be opened, of the slots that are not in use */
{
    channel_t *channel = lan_channel();
    lanserv_data_t *lan = channel ? channel->chan_info : NULL;
    long number;

    if (words(tokens, &number, 1) != 1 || !lan)
        return EINVAL;
    for (int i = 1; i <= MAX_SESSIONS; i++) {
        session_t *session = &lan->sessions[i];
        if (is_taken(session))
            session->active = 0;
        if (session->active || number-- > 0)
            continue;
        session->active = 1;
        session->in_startup = 0;
        session->userid = 0;
        session->time_left = UINT32_MAX;
    }
    return 0;
}

/* Writes how many sessions are open, and the privilege of each. */
CONSOLE(report_sessions)
{
    const channel_t *channel = lan_channel();
    const lanserv_data_t *lan = channel ? channel->chan_info : NULL;
    char path[600];
    FILE *file;

    (void) tokens;
    snprintf(path, sizeof(path), "%s/sessions", bmc.directory);
    file = fopen(path, "w");
    if (!file)
        return EIO;
    for (int i = 1; lan && i <= MAX_SESSIONS; i++)
        if (lan->sessions[i].active && !is_taken(&lan->sessions[i]))
            fprintf(file, "%d %d %d\n", lan->sessions[i].userid, lan->sessions[i].priv,
                    lan->sessions[i].in_startup);
    return fclose(file) ? EIO : 0;
}

static const struct {
    const char *name;
    ipmi_emu_cmd_handler do_it;
} console[] = {
    {"answer_delay", answer_delay},
    {"device_busy", device_busy},
    {"sensor_code", sensor_code},
    {"sensor_unavailable", sensor_unavailable},
    {"command_code", command_code},
    {"dcmi_watts", dcmi_watts},
    {"chassis", chassis},
    {"watchdog_state", watchdog_state},
    {"command_log", command_log},
    {"bmc_clock", bmc_clock},
    {"sel_overflow", sel_overflow},
    {"sel_clear", sel_clear},
    {"sel_drop", sel_drop},
    {"report_sel", report_sel},
    {"free_sessions", free_sessions},
    {"report_sessions", report_sessions},
};

/* -- what ipmi_sim calls -- */

int ipmi_sim_module_print_version(sys_data_t *system, char *options);
int ipmi_sim_module_init(sys_data_t *system, const char *options);
int ipmi_sim_module_post_init(sys_data_t *system);

int ipmi_sim_module_print_version(sys_data_t *system, char *options)
{
    (void) system, (void) options;
    puts("bmc 1");
    return 0;
}

int ipmi_sim_module_init(sys_data_t *system, const char *options)
{
    bmc.system = system;
    signal(SIGPIPE, SIG_IGN); /* ipmi_sim dies of a local client that is gone before its answer */
    snprintf(bmc.directory, sizeof(bmc.directory), "%s", options && *options ? options : ".");
    for (size_t i = 0; i < TABLES; i++)
        for (int c = 0; c < 256; c++) {
            tables[i].stock[c] = tables[i].now[c];
            tables[i].now[c] = command;
        }
    ipmi_emu_register_group_extension_handler(DCMI, dcmi, NULL);
    for (size_t i = 0; i < sizeof(console) / sizeof(console[0]); i++)
        if (ipmi_emu_add_cmd(console[i].name, MC, console[i].do_it))
            return ENOMEM;
    return 0;
}

/* Session commands are answered before the tables are asked: they are logged here. */
static int session_command(channel_t *channel, msg_t *message)
{
    (void) channel;
    if (message->netfn == APP && message->cmd >= 0x39 && message->cmd <= 0x3d)
        log_command(message, NORMAL);
    return 0;
}

int ipmi_sim_module_post_init(sys_data_t *system)
{
    channel_t *lan;

    bmc.system = system;
    lan = lan_channel();
    if (!lan) {
        fputs("bmc: ipmi_sim has no LAN channel\n", stderr);
        return ENODEV;
    }
    lan->oem.oem_handle_msg = session_command;
    return 0;
}
