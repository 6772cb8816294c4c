/* SPDX-License-Identifier: MIT */

/* examples/common/xml over a connection. */

#include <libxml/parser.h>

#include "pair.h"
#include "xml.h"

static xmlDoc *parse(const char *text)
{
    return xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
}

static void documents_go_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<Person><Name>Jan</Name><Emails>ja@newmarch.name</Emails></Person>",
        "<a b=\"größer &lt; 你好\"/>",
    };
    ws_conn *server, *client;

    both(&server, &client, false);
    for (size_t i = 0; i < COUNT(texts); i++) {
        xmlDoc *doc = parse(texts[i]), *got;
        ws_message m;

        assert_int_equal(ws_send(client, &xml_codec, doc), 0);
        assert_int_equal(ws_receive(server, &xml_codec, &got), 0);
        assert_int_equal(ws_send(server, &xml_codec, got), 0);
        assert_int_equal(ws_read_message(client, &m), 0);
        assert_int_equal(m.type, WS_TEXT);
        assert_ptr_equal(strstr(m.data, "<?xml"), m.data);
        assert_non_null(strstr(m.data, texts[i]));
        xmlFreeDoc(doc);
        xmlFreeDoc(got);
    }
    ws_close(server);
    ws_close(client);
}

#define LAUGHS "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"

static void bad_messages_are_refused_and_the_next_is_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "<",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a>&unknown;</a>",
        "<a>\xff</a>",
        "<a>&#0;</a>",
        /* What a DOCTYPE can do: be there, name a file, multiply. */
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/hostname'><a/>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>",
        "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '" LAUGHS "'>]><a>&b;</a>",
    };
    ws_conn *server, *client;
    xmlDoc *got = NULL;

    both(&server, &client, false);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(
            ws_write_message(client, WS_BINARY, rows[i], strlen(rows[i])), 0);
        if (ws_receive(server, &xml_codec, &got) != WS_ERR_CODEC)
            fail_msg("taken: %s", rows[i]);
        assert_null(got);
    }
    assert_int_equal(ws_write_text(client, "<a/>"), 0);
    assert_int_equal(ws_receive(server, &xml_codec, &got), 0);
    assert_string_equal(xmlDocGetRootElement(got)->name, "a");
    xmlFreeDoc(got);
    ws_close(server);
    ws_close(client);
}

/* By libxml2 itself, at 256. */
static void nesting_is_bounded(void **state)
{
    (void)state;
    enum { DEPTH = 1000 };
    char text[7 * DEPTH + 1] = "";
    ws_conn *server, *client;
    xmlDoc *got = NULL;

    for (size_t i = 0; i < DEPTH; i++) {
        memcpy(text + 3 * i, "<a>", 3);
        memcpy(text + 3 * DEPTH + 4 * i, "</a>", 4);
    }
    both(&server, &client, false);
    assert_int_equal(ws_write_text(client, text), 0);
    assert_int_equal(ws_receive(server, &xml_codec, &got), WS_ERR_CODEC);
    ws_close(server);
    ws_close(client);
}

static void nothing_is_sent_of_no_document(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_send(c, &xml_codec, NULL), WS_ERR_CODEC);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_go_there_and_back),
        cmocka_unit_test(bad_messages_are_refused_and_the_next_is_read),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nothing_is_sent_of_no_document),
    };

    xmlInitParser();
    int failed = cmocka_run_group_tests_name("xml", tests, NULL, NULL);
    xmlCleanupParser();
    return failed;
}
