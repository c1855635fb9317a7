/** @file
 * Configurations: a YAML document, overridden by dotted paths, that remembers its lines. */
#ifndef LOCKSTEP_CONFIG_H
#define LOCKSTEP_CONFIG_H

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A node of a configuration: a scalar, a list or a map.  The root owns all nodes below it. */
typedef struct ls_config ls_config;

/** Read a YAML file.
 *
 * Local.  A top-level key `base: FILE` (relative to the file that says it) takes all settings of
 * another file first: maps are merged key by key, anything else is replaced; and so is the
 * optimizer, loss, schedule or compression where both files name one, and not the same.  A circle
 * of bases, a YAML alias inside its own anchor, a key given twice and more than one document are
 * errors.
 *
 * @param path  file
 * @param out   the root, owned by the caller; NULL after an error
 * @return      LS_ECONFIG ("FILE:LINE: ...", or the file cannot be read), LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_config_load(const char *path, ls_config **out);

/** Read YAML from a string, as ls_config_load does from a file.
 *
 * Local.
 * @param text  zero-terminated
 * @param name  used as the file's name in messages; `base:` is relative to it
 * @param out   the root, owned by the caller; NULL after an error
 * @return      LS_ECONFIG, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_config_parse(const char *text, const char *name, ls_config **out);

/** Apply one override, "train.batch=64", "model.0.dense.units=32", "optimizer={sgd: {lr: 0.1}}".
 *
 * Local.  The value is YAML.  Missing maps on the way are made; a list takes an index that it has.
 * "a.b=null" removes the key b.  Going below a scalar that another override set, or setting a key
 * twice with different values, is an error that names both overrides.
 *
 * @return LS_EUSAGE, LS_ECONFIG, LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_config_override(ls_config *root, const char *assignment);

/** The whole configuration as YAML, with the defaults that have been asked for so far.
 *
 * Local.
 * @param text  owned by the caller, free() it; NULL after an error
 * @return      LS_ENOMEM */
LS_PUBLIC LS_CHECKED ls_status ls_config_write(const ls_config *root, char **text);

/** Free the root and all below it.  Local; does nothing for NULL. */
LS_PUBLIC void ls_config_destroy(ls_config *root);

#ifdef __cplusplus
}
#endif

#endif
