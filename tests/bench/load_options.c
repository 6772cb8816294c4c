/* SPDX-License-Identifier: MIT */

#include "load_options.h"

static bool set(struct load_options *o, int option)
{
    switch (option) {
    case 'n':
        o->connections = (size_t)load_number(optarg, 1, 1e6);
        return true;
    case 'd':
        o->depth = (size_t)load_number(optarg, 1, 65536);
        return true;
    case 's':
        o->size = (size_t)load_number(optarg, 0, 1 << 26);
        return true;
    case 'k':
        o->check = (size_t)load_number(optarg, 1, 1e9);
        return true;
    case 'S':
        o->seconds = load_number(optarg, 0.001, 3600);
        return true;
    case 'W':
        o->warmup = load_number(optarg, 0, 3600);
        return true;
    case 'p':
        o->pid = (int)load_number(optarg, 1, 1 << 30);
        return true;
    case 'b':
        return o->binary = true;
    case 'z':
        return o->deflate = true;
    case 't':
        return o->tls = true;
    case 'r':
        return o->resume = true;
    case 'C':
        return o->client = true;
    case 'i':
        o->mode = LOAD_IDLE;
        return true;
    case 'c':
        o->mode = LOAD_CONNECT;
        return true;
    case 'a':
        o->mode = LOAD_CAST;
        return true;
    default:
        return false;
    }
}

bool load_parse(struct load_options *o, int argc, char **argv,
                const struct option *known)
{
    int option;

    *o = (struct load_options){
        .connections = 64,
        .depth = 1,
        .size = 20,
        .check = 61,
        .seconds = 1,
        .warmup = 0.2,
    };
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (!set(o, option))
            return false;
    if (optind + 1 != argc)
        return false;
    o->port = (int)load_number(argv[optind], 1, 65535);
    return true;
}
