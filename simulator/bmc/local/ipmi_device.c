/* ipmi_device.so: stands for /dev/ipmi0 in a process that it is preloaded into (LD_PRELOAD).
 *
 * Opening the path in SIMULATED_IPMI_DEVICE connects to ipmi_sim's system interface on 127.0.0.1,
 * TCP port SIMULATED_IPMI_PORT, in the "VM" protocol that QEMU speaks to an external BMC
 * (qemu: hw/ipmi/ipmi_bmc_extern.c). The ioctls are those of the kernel's ipmi_devintf
 * (linux/ipmi.h). A thread for each open device takes answers in; one byte in a socket pair for each
 * makes the descriptor readable, so that select and poll work by themselves.
 *
 * A BMC that does not answer within SIMULATED_IPMI_SECONDS (5), or is not there, makes an answer with
 * completion code 0xff, as the kernel's driver does when its interface times out (after how long is
 * assumed). ipmi_sim serves one connection at a time: of two programs the later one waits.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ipmi.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define DEVICES_MAX 16
#define MESSAGE_MAX 300
#define WAITING_MAX 64
#define ANSWER_SECONDS "5"
#define UNSPECIFIED_ERROR 0xff
#define END_OF_MESSAGE 0xa0
#define END_OF_COMMAND 0xa1
#define ESCAPE 0xaa
#define IPMI_MAJOR 248

struct message {
    long id;
    double deadline; /* of a request: when its answer is overdue */
    unsigned char sequence, netfn, lun, command;
    unsigned char data[MESSAGE_MAX];
    unsigned int length;
};

struct device {
    int used;
    int descriptor; /* what the program holds: its end of the pair */
    int signal;     /* our end of the pair; closed by the program's close */
    int connection; /* to ipmi_sim, -1 while there is none */
    unsigned char sequence;
    struct message asked[WAITING_MAX], answered[WAITING_MAX];
    int asked_count, answered_count;
    unsigned char partial[MESSAGE_MAX];
    unsigned int partial_length;
    int escaped;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct device devices[DEVICES_MAX];

/* `close` without passing through our own, which takes the lock. */
static void close_really(int descriptor)
{
    syscall(SYS_close, descriptor);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double answer_seconds(void)
{
    const char *seconds = getenv("SIMULATED_IPMI_SECONDS");

    return atof(seconds ? seconds : ANSWER_SECONDS);
}

static int is_ours(const char *path)
{
    const char *device = getenv("SIMULATED_IPMI_DEVICE");

    return path && device && *device && strcmp(path, device) == 0;
}

static struct device *device_of(int descriptor)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        if (devices[i].used && devices[i].descriptor == descriptor)
            return &devices[i];
    return NULL;
}

/* -- the connection to ipmi_sim; all of it under the lock -- */

static void disconnect(struct device *device)
{
    if (device->connection >= 0)
        close_really(device->connection);
    device->connection = -1;
    device->partial_length = 0;
    device->escaped = 0;
}

static void connect_if_need_be(struct device *device)
{
    const char *port = getenv("SIMULATED_IPMI_PORT");
    struct sockaddr_in address = {.sin_family = AF_INET};

    if (device->connection >= 0 || !port)
        return;
    address.sin_port = htons(atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    device->connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (device->connection >= 0
        && connect(device->connection, (struct sockaddr *) &address, sizeof(address)))
        disconnect(device);
}

static void answer(struct device *device, const struct message *request,
                   const unsigned char *data, unsigned int length)
{
    struct message *answered;

    if (device->answered_count == WAITING_MAX || length > MESSAGE_MAX)
        return;
    answered = &device->answered[device->answered_count++];
    *answered = *request;
    answered->netfn |= 1;
    memcpy(answered->data, data, length);
    answered->length = length;
    if (send(device->signal, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        device->answered_count--;
}

static void forget(struct device *device, int index)
{
    device->asked_count--;
    memmove(&device->asked[index], &device->asked[index + 1],
            (device->asked_count - index) * sizeof(device->asked[0]));
}

static void fail_overdue(struct device *device)
{
    static const unsigned char code[1] = {UNSPECIFIED_ERROR};

    for (int i = 0; i < device->asked_count;)
        if (device->asked[i].deadline <= now()) {
            answer(device, &device->asked[i], code, sizeof(code));
            forget(device, i);
        } else
            i++;
}

/* A message is: sequence, netfn and LUN, command, data, checksum. */
static void take_message(struct device *device)
{
    const unsigned char *message = device->partial;
    unsigned int length = device->partial_length;
    unsigned char sum = 0;

    for (unsigned int i = 0; i < length; i++)
        sum += message[i];
    if (length < 5 || sum != 0)
        return;
    for (int i = 0; i < device->asked_count; i++)
        if (device->asked[i].sequence == message[0] && device->asked[i].command == message[2]) {
            answer(device, &device->asked[i], message + 3, length - 4);
            forget(device, i);
            return;
        }
}

static void take_byte(struct device *device, unsigned char byte)
{
    switch (byte) {
    case END_OF_MESSAGE:
        take_message(device);
        /* fall through */
    case END_OF_COMMAND: /* the lines of the interface (attention, power): of no interest here */
        device->partial_length = 0;
        device->escaped = 0;
        break;
    case ESCAPE:
        device->escaped = 1;
        break;
    default:
        if (device->partial_length < MESSAGE_MAX)
            device->partial[device->partial_length++] = device->escaped ? byte & ~0x10 : byte;
        device->escaped = 0;
    }
}

static unsigned int put(unsigned char *out, unsigned char byte)
{
    if (byte != END_OF_MESSAGE && byte != END_OF_COMMAND && byte != ESCAPE) {
        out[0] = byte;
        return 1;
    }
    out[0] = ESCAPE;
    out[1] = byte | 0x10;
    return 2;
}

static void send_request(struct device *device, const struct message *request)
{
    unsigned char plain[MESSAGE_MAX + 4], coded[2 * sizeof(plain) + 1], sum = 0;
    unsigned int length = 0, size = 0;

    plain[length++] = request->sequence;
    plain[length++] = request->netfn << 2 | request->lun;
    plain[length++] = request->command;
    memcpy(plain + length, request->data, request->length);
    length += request->length;
    for (unsigned int i = 0; i < length; i++) {
        sum += plain[i];
        size += put(coded + size, plain[i]);
    }
    size += put(coded + size, -sum);
    coded[size++] = END_OF_MESSAGE;
    if (device->connection >= 0
        && send(device->connection, coded, size, MSG_NOSIGNAL) != (ssize_t) size)
        disconnect(device);
}

/* ipmi_sim was restarted, or served somebody else: ask again what is still to be answered. */
static void reconnect(struct device *device)
{
    if (device->connection >= 0 || device->asked_count == 0)
        return;
    connect_if_need_be(device);
    for (int i = 0; i < device->asked_count; i++)
        send_request(device, &device->asked[i]);
}

/* The thread of one device: answers come in, overdue ones are made up, the program's close ends it. */
static void *serve(void *argument)
{
    struct device *device = argument;

    for (;;) {
        struct pollfd watched[2];
        unsigned char bytes[512], ignored[64];
        ssize_t size;

        pthread_mutex_lock(&lock);
        fail_overdue(device);
        reconnect(device);
        watched[0] = (struct pollfd){.fd = device->signal, .events = POLLIN};
        watched[1] = (struct pollfd){.fd = device->connection, .events = POLLIN};
        pthread_mutex_unlock(&lock);
        poll(watched, 2, 100);
        if (watched[0].revents
            && recv(watched[0].fd, ignored, sizeof(ignored), MSG_DONTWAIT) == 0)
            break;
        if (!watched[1].revents)
            continue;
        pthread_mutex_lock(&lock);
        size = recv(device->connection, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN))
            disconnect(device);
        for (ssize_t i = 0; i < size; i++)
            take_byte(device, bytes[i]);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_lock(&lock);
    disconnect(device);
    close_really(device->signal);
    device->used = 0;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* -- what the program calls -- */

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static int open_device(void)
{
    struct device *device = NULL;
    pthread_t thread;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < DEVICES_MAX && !device; i++)
        if (!devices[i].used)
            device = &devices[i];
    if (device) {
        *device = (struct device){
            .used = 1, .descriptor = pair[0], .signal = pair[1], .connection = -1};
        connect_if_need_be(device);
    }
    pthread_mutex_unlock(&lock);
    if (!device || pthread_create(&thread, NULL, serve, device)) {
        close_really(pair[0]);
        close_really(pair[1]);
        errno = ENODEV;
        return -1;
    }
    pthread_detach(thread);
    return pair[0];
}

#define OPEN(name, ...)                                                                            \
    mode_t mode = 0;                                                                               \
    va_list more;                                                                                  \
    va_start(more, flags);                                                                         \
    if (flags & (O_CREAT | O_TMPFILE))                                                             \
        mode = va_arg(more, mode_t);                                                               \
    va_end(more);                                                                                  \
    return is_ours(path) ? open_device() : REAL(name)(__VA_ARGS__, flags, mode)

PUBLIC int open(const char *path, int flags, ...)
{
    OPEN(open, path);
}

PUBLIC int open64(const char *path, int flags, ...)
{
    OPEN(open64, path);
}

PUBLIC int openat(int directory, const char *path, int flags, ...)
{
    OPEN(openat, directory, path);
}

PUBLIC int openat64(int directory, const char *path, int flags, ...)
{
    OPEN(openat64, directory, path);
}

static long send_command(struct device *device, const struct ipmi_req *request)
{
    const struct ipmi_system_interface_addr *address = (const void *) request->addr;
    struct message *message;

    if (request->msg.data_len > MESSAGE_MAX - 4) {
        errno = EMSGSIZE;
        return -1;
    }
    if (address->addr_type != IPMI_SYSTEM_INTERFACE_ADDR_TYPE
        || device->asked_count == WAITING_MAX) {
        errno = EINVAL; /* a controller behind the BMC: not simulated */
        return -1;
    }
    message = &device->asked[device->asked_count++];
    *message = (struct message){
        .id = request->msgid,
        .deadline = now() + answer_seconds(),
        .sequence = device->sequence++,
        .netfn = request->msg.netfn,
        .lun = address->lun,
        .command = request->msg.cmd,
        .length = request->msg.data_len,
    };
    if (request->msg.data_len)
        memcpy(message->data, request->msg.data, request->msg.data_len);
    if (device->connection >= 0)
        send_request(device, message);
    else
        reconnect(device);
    return 0;
}

static long receive(struct device *device, struct ipmi_recv *into, int truncate)
{
    struct ipmi_system_interface_addr address = {.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE,
                                                 .channel = IPMI_BMC_CHANNEL};
    struct message *message = &device->answered[0];
    unsigned int length;
    char byte;

    if (device->answered_count == 0) {
        errno = EAGAIN;
        return -1;
    }
    length = message->length;
    if (length > into->msg.data_len) {
        errno = EMSGSIZE;
        if (!truncate)
            return -1;
        length = into->msg.data_len;
    }
    address.lun = message->lun;
    if (into->addr_len >= sizeof(address))
        memcpy(into->addr, &address, sizeof(address));
    into->addr_len = sizeof(address);
    into->recv_type = IPMI_RESPONSE_RECV_TYPE;
    into->msgid = message->id;
    into->msg.netfn = message->netfn;
    into->msg.cmd = message->command;
    memcpy(into->msg.data, message->data, length);
    into->msg.data_len = length;
    length = message->length;
    memmove(&device->answered[0], &device->answered[1],
            --device->answered_count * sizeof(device->answered[0]));
    if (recv(device->descriptor, &byte, 1, MSG_DONTWAIT) != 1)
        fputs("ipmi_device: an answer without its signal\n", stderr);
    return truncate && length > into->msg.data_len ? -1 : 0;
}

static long control(struct device *device, unsigned long request, void *argument)
{
    switch (request) {
    case IPMICTL_SEND_COMMAND:
        return send_command(device, argument);
    case IPMICTL_RECEIVE_MSG:
        return receive(device, argument, 0);
    case IPMICTL_RECEIVE_MSG_TRUNC:
        return receive(device, argument, 1);
    case IPMICTL_SET_MY_ADDRESS_CMD:
    case IPMICTL_SET_MY_CHANNEL_ADDRESS_CMD:
    case IPMICTL_SET_GETS_EVENTS_CMD:
        return 0;
    case IPMICTL_GET_MY_ADDRESS_CMD:
        *(unsigned int *) argument = IPMI_BMC_SLAVE_ADDR;
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

PUBLIC int ioctl(int descriptor, unsigned long request, ...)
{
    struct device *device;
    va_list more;
    void *argument;
    long result = 0;

    va_start(more, request);
    argument = va_arg(more, void *);
    va_end(more);
    pthread_mutex_lock(&lock);
    device = device_of(descriptor);
    if (device)
        result = control(device, request, argument);
    pthread_mutex_unlock(&lock);
    return device ? (int) result : REAL(ioctl)(descriptor, request, argument);
}

static int is_device(int descriptor)
{
    int found;

    pthread_mutex_lock(&lock);
    found = device_of(descriptor) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

/* The program's close ends the thread; the number may be another file's at once. */
PUBLIC int close(int descriptor)
{
    struct device *device;

    pthread_mutex_lock(&lock);
    device = device_of(descriptor);
    if (device)
        device->descriptor = -1;
    pthread_mutex_unlock(&lock);
    return REAL(close)(descriptor);
}

#define SEEK(name, type)                                                                           \
    PUBLIC type name(int descriptor, type offset, int whence)                                      \
    {                                                                                              \
        return is_device(descriptor) ? 0 : REAL(name)(descriptor, offset, whence);                 \
    }

SEEK(lseek, off_t)
SEEK(lseek64, off64_t)

/* A character device, of root's, as udev makes it. */
#define DESCRIBE(buffer)                                                                           \
    (memset(buffer, 0, sizeof(*buffer)), (buffer)->st_mode = S_IFCHR | 0600,                       \
     (buffer)->st_rdev = makedev(IPMI_MAJOR, 0), (buffer)->st_nlink = 1, 0)

PUBLIC int stat(const char *path, struct stat *buffer)
{
    return is_ours(path) ? DESCRIBE(buffer) : REAL(stat)(path, buffer);
}

PUBLIC int stat64(const char *path, struct stat64 *buffer)
{
    return is_ours(path) ? DESCRIBE(buffer) : REAL(stat64)(path, buffer);
}

PUBLIC int fstatat(int directory, const char *path, struct stat *buffer, int flags)
{
    return is_ours(path) ? DESCRIBE(buffer) : REAL(fstatat)(directory, path, buffer, flags);
}

PUBLIC int fstatat64(int directory, const char *path, struct stat64 *buffer, int flags)
{
    return is_ours(path) ? DESCRIBE(buffer) : REAL(fstatat64)(directory, path, buffer, flags);
}

PUBLIC int fstat(int descriptor, struct stat *buffer)
{
    return is_device(descriptor) ? DESCRIBE(buffer) : REAL(fstat)(descriptor, buffer);
}

PUBLIC int fstat64(int descriptor, struct stat64 *buffer)
{
    return is_device(descriptor) ? DESCRIBE(buffer) : REAL(fstat64)(descriptor, buffer);
}

PUBLIC int access(const char *path, int mode)
{
    return is_ours(path) ? 0 : REAL(access)(path, mode);
}

PUBLIC int faccessat(int directory, const char *path, int mode, int flags)
{
    return is_ours(path) ? 0 : REAL(faccessat)(directory, path, mode, flags);
}
