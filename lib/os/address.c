/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an address one of this machine? Names are not looked up: that may take seconds, and say
 * tomorrow what they do not say today. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <strings.h>
#include <unistd.h>

#include "os/os.h"

/* Is it an address that some interface has? */
static bool is_interface(int family, const void *address)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    if (getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != family)
            continue;
        const void *sa = i->ifa_addr;
        if (family == AF_INET)
            found = memcmp(&((const struct sockaddr_in *)sa)->sin_addr, address, 4) == 0;
        else
            found = memcmp(&((const struct sockaddr_in6 *)sa)->sin6_addr, address, 16) == 0;
    }
    freeifaddrs(list);
    return found;
}

/* Without a port: "host:1", "[::1]:1", "1.2.3.4". free() */
static char *host_of(const char *address)
{
    const char *colon = strchr(address, ':');
    if (*address == '[')
        return xstrndup(address + 1, strcspn(address + 1, "]"));
    if (colon && !strchr(colon + 1, ':'))
        return xstrndup(address, (size_t)(colon - address));
    return xstrdup(address);
}

bool machine_has_address(const char *address)
{
    if (*address == '/' || strncmp(address, "unix:", 5) == 0)
        return true; /* a socket in a folder */
    char *host = host_of(address), name[256] = "";
    struct in_addr four;
    struct in6_addr six;
    bool is = false;
    if (inet_pton(AF_INET, host, &four) == 1)
        is = ntohl(four.s_addr) >> 24 == 127 || is_interface(AF_INET, &four);
    else if (inet_pton(AF_INET6, host, &six) == 1)
        is = IN6_IS_ADDR_LOOPBACK(&six) || is_interface(AF_INET6, &six);
    else if (gethostname(name, sizeof(name) - 1) == 0)
        is = strcasecmp(host, name) == 0 || strcasecmp(host, "localhost") == 0;
    free(host);
    return is;
}
