/* Vocabularies: what is learned of a text, tokens and back, as JSON, and what is refused. */
#include "check.h"

#include <string.h>

#include "base/alloc.h"
#include "text/vocabulary.h"

static ls__vocabulary *learn(ls__vocabulary_kind kind, size_t size, const char *text) {
  ls__vocabulary *v;
  assert_int_equal(ls__vocabulary_learn(&v, kind, size, "a.txt", text, strlen(text)), LS_OK);
  return v;
}

/* To tokens and back; returns how many tokens. */
static size_t round_trip(const ls__vocabulary *v, const char *text, size_t bytes) {
  int32_t *tokens;
  size_t n, at = 0, size;
  assert_int_equal(ls__vocabulary_encode(v, "text", text, bytes, &tokens, &n), LS_OK);
  for (size_t i = 0; i < n; i++) {
    const char *token = ls__vocabulary_token(v, tokens[i], &size);
    assert_non_null(token);
    assert_true(at + size <= bytes);
    assert_memory_equal(token, text + at, size);
    at += size;
  }
  assert_int_equal(at, bytes);
  ls__free(tokens);
  return n;
}

/* The same vocabulary comes back from its JSON. */
static void json_is(const ls__vocabulary *v, const char *want) {
  ls__vocabulary *again;
  char *json, *second;
  assert_int_equal(ls__vocabulary_write(v, &json), LS_OK);
  if (want != NULL) assert_string_equal(json, want);
  assert_int_equal(ls__vocabulary_read(&again, json, "c.h5"), LS_OK);
  assert_int_equal(ls__vocabulary_size(again), ls__vocabulary_size(v));
  assert_int_equal(ls__vocabulary_kind_of(again), ls__vocabulary_kind_of(v));
  assert_int_equal(ls__vocabulary_write(again, &second), LS_OK);
  assert_string_equal(second, json);
  ls__free(json);
  ls__free(second);
  ls__vocabulary_destroy(again);
}

static void refused(const ls__vocabulary *v, const char *text, size_t bytes, const char *why) {
  int32_t *tokens;
  size_t n;
  assert_int_equal(ls__vocabulary_encode(v, "t", text, bytes, &tokens, &n), LS_EDATA);
  assert_null(tokens);
  assert_string_equal(ls_error_message(), why);
}

static void test_bytes(void **state) {
  (void)state;
  ls__vocabulary *v = learn(LS__BYTES, 0, "");
  size_t size;
  assert_int_equal(ls__vocabulary_size(v), 256);
  assert_int_equal(round_trip(v, "a\0\xFF\n", 4), 4);
  assert_int_equal(round_trip(v, "", 0), 0);
  assert_null(ls__vocabulary_token(v, 256, &size));
  assert_null(ls__vocabulary_token(v, -1, &size));
  json_is(v, "{\"kind\":\"bytes\"}");
  ls__vocabulary_destroy(v);
}

static void test_characters(void **state) {
  (void)state;
  const char *const text = "b\n\"a\" \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 b";
  ls__vocabulary *v = learn(LS__CHARACTERS, 0, text), *none;
  assert_int_equal(ls__vocabulary_size(v), 8);
  assert_int_equal(round_trip(v, text, strlen(text)), 11);
  json_is(v, "{\"kind\":\"characters\",\"tokens\":[\"\\u000a\",\" \",\"\\\"\",\"a\",\"b\","
             "\"\xC3\xA4\",\"\xE2\x82\xAC\",\"\xF0\x9F\x98\x80\"]}");
  refused(v, "ab\n\nac", 6,
          "t: line 3, byte 5: the character \"c\" (U+0063) is not in the vocabulary "
          "of 8");
  refused(v, "a\x07", 2,
          "t: line 1, byte 1: the character \"\\x07\" (U+0007) is not in the vocabulary of 8");
  refused(v, "a\xC3", 2, "t: line 1, byte 1: the byte 0xc3 begins no letter of UTF-8");
  refused(v, "a\0b", 3, "t: line 1, byte 1: a zero byte, which no text has");
  assert_int_equal(ls__vocabulary_check(LS__CHARACTERS, "t", "c\xFF", 2), LS_EDATA);
  assert_int_equal(ls__vocabulary_check(LS__CHARACTERS, "t", "c", 1), LS_OK);
  assert_int_equal(ls__vocabulary_check(LS__BYTES, "t", "c\xFF", 2), LS_OK);
  ls__vocabulary_destroy(v);
  assert_int_equal(ls__vocabulary_learn(&none, LS__CHARACTERS, 0, "a.txt", "x\n\xFF", 3), LS_EDATA);
  assert_null(none);
  assert_string_equal(ls_error_message(), "a.txt: line 2, byte 2: the byte 0xff begins no letter "
                                          "of UTF-8");
}

static void test_byte_pairs(void **state) {
  (void)state;
  /* words: "low" 1, " low" 4, " lower" 2.  (l,o) 7 and (o,w) 7: the smaller first: 256 = lo,
   * 257 = low; then ( ,low) 6 is 258; (258,e) 2 and (e,r) 2: e is the smaller, 259 = er, 260. */
  const char *const text = "low low low low low lower lower";
  ls__vocabulary *v = learn(LS__BYTE_PAIRS, 1000, text);
  json_is(v, "{\"kind\":\"byte_pairs\",\"merges\":[[108,111],[256,119],[32,257],[101,114],"
             "[258,259]]}");
  assert_int_equal(ls__vocabulary_size(v), 261);
  assert_int_equal(round_trip(v, text, strlen(text)), 7);
  assert_int_equal(round_trip(v, " lowering slow\xFF\0", 16), 9);
  ls__vocabulary_destroy(v);
  v = learn(LS__BYTE_PAIRS, 258, text);
  json_is(v, "{\"kind\":\"byte_pairs\",\"merges\":[[108,111],[256,119]]}");
  ls__vocabulary_destroy(v);
  /* A pair that overlaps itself; words that are too long; the tie is that of the smaller right. */
  char long_word[1001];
  memset(long_word, 'a', 1000);
  long_word[1000] = '\0';
  v = learn(LS__BYTE_PAIRS, 300, long_word);
  assert_int_equal(ls__vocabulary_size(v), 256 + 6); /* of 2, 4, ... 64 */
  assert_int_equal(round_trip(v, long_word, 1000), 17);
  assert_int_equal(round_trip(v, long_word, 7), 3);
  ls__vocabulary_destroy(v);
  v = learn(LS__BYTE_PAIRS, 257, "ac\tac\tab\tab");
  json_is(v, "{\"kind\":\"byte_pairs\",\"merges\":[[97,98]]}");
  ls__vocabulary_destroy(v);
}

/* A piece at a time gives the same tokens. */
static void test_pieces(void **state) {
  (void)state;
  char text[3000];
  int32_t *whole, piece[2 * LS__TOKEN_BYTES];
  size_t n, some, done = 0, from = 0;
  for (size_t i = 0; i < sizeof text; i++) text[i] = " the quick, 42 foxes\n"[i * i % 21];
  ls__vocabulary *v;
  assert_int_equal(ls__vocabulary_learn(&v, LS__BYTE_PAIRS, 400, "t", text, sizeof text), LS_OK);
  assert_int_equal(ls__vocabulary_encode(v, "t", text, sizeof text, &whole, &n), LS_OK);
  while (from < sizeof text) {
    assert_int_equal(ls__vocabulary_encode_some(v, "t", text, sizeof text, &from, piece,
                                                sizeof piece / sizeof *piece, &some),
                     LS_OK);
    assert_true(done + some <= n);
    assert_memory_equal(whole + done, piece, some * sizeof *piece);
    done += some;
  }
  assert_int_equal(done, n);
  assert_true(n < sizeof text / 2);
  ls__free(whole);
  ls__vocabulary_destroy(v);
}

static void test_hostile(void **state) {
  (void)state;
  static const struct {
    const char *json, *why;
  } cases[] = {
      {"", "f: byte 0: no value"},
      {"[]", "f: a vocabulary of the kind \"\", which is not known here"},
      {"{\"kind\":\"words\"}", "f: a vocabulary of the kind \"words\", which is not known here"},
      {"{\"kind\":\"characters\"}", "f: a vocabulary of characters without a list of tokens"},
      {"{\"kind\":\"characters\",\"tokens\":[]}", "f: a vocabulary of characters without a list of "
                                                  "tokens"},
      {"{\"kind\":\"characters\",\"tokens\":[\"a\",\"bc\"]}", "f: token 1 of the vocabulary is no "
                                                              "character"},
      {"{\"kind\":\"characters\",\"tokens\":[\"\\u0000\"]}", "f: token 0 of the vocabulary is no "
                                                             "character"},
      {"{\"kind\":\"characters\",\"tokens\":[\"a\",3]}", "f: token 1 of the vocabulary is no "
                                                         "character"},
      {"{\"kind\":\"characters\",\"tokens\":[\"\xFF\"]}", "f: token 0 of the vocabulary is no "
                                                          "character"},
      {"{\"kind\":\"characters\",\"tokens\":[\"a\",\"a\"]}", "f: the vocabulary is not in order at "
                                                             "token 1"},
      {"{\"kind\":\"byte_pairs\",\"merges\":3}", "f: a vocabulary of byte pairs without a list of "
                                                 "merges"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,256]]}", "f: token 256 of the vocabulary is no "
                                                         "pair of tokens before it"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,-1]]}", "f: token 256 of the vocabulary is no pair "
                                                        "of tokens before it"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,2.5]]}", "f: token 256 of the vocabulary is no "
                                                         "pair of tokens before it"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,2,3]]}", "f: token 256 of the vocabulary is no "
                                                         "pair of tokens before it"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,2],[1,2]]}", "f: token 257 of the vocabulary is "
                                                             "the same pair as token 256"},
      {"{\"kind\":\"byte_pairs\",\"merges\":[[1,1],[256,256],[257,257],[258,258],[259,259],"
       "[260,260],[261,261]]}",
       "f: token 262 of the vocabulary has 128 bytes, at most 64 are allowed"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls__vocabulary *v;
    assert_int_equal(ls__vocabulary_read(&v, cases[i].json, "f"), LS_EDATA);
    assert_null(v);
    assert_string_equal(ls_error_message(), cases[i].why);
  }
}

/* Every allocation may fail, and nothing is left. */
static void test_memory(void **state) {
  (void)state;
  const size_t alive = ls__alloc_alive();
  for (int kind = LS__BYTES; kind <= LS__BYTE_PAIRS; kind++) {
    ls_status st = LS_ENOMEM;
    for (size_t at = 0; st != LS_OK; at++) {
      ls__vocabulary *v = NULL, *again = NULL;
      char *json = NULL;
      int32_t *tokens = NULL;
      size_t n;
      const char *const text = "one and one, and one and two and two";
      ls__alloc_fail_at(at);
      st = ls__vocabulary_learn(&v, (ls__vocabulary_kind)kind, 300, "t", text, strlen(text));
      LS_THEN(st, ls__vocabulary_encode(v, "t", text, strlen(text), &tokens, &n));
      LS_THEN(st, ls__vocabulary_write(v, &json));
      LS_THEN(st, ls__vocabulary_read(&again, json, "t"));
      ls__alloc_fail_at(SIZE_MAX);
      ls__free(tokens);
      ls__free(json);
      ls__vocabulary_destroy(v);
      ls__vocabulary_destroy(again);
      assert_int_equal(ls__alloc_alive(), alive);
      assert_true(st == LS_OK || st == LS_ENOMEM);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),      cmocka_unit_test(test_characters),
      cmocka_unit_test(test_byte_pairs), cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_hostile),    cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
