#ifndef KOTOHAJIME_CASSETS_H
#define KOTOHAJIME_CASSETS_H

#include <stddef.h>

/// The bytes of one file of assets that the program carries.
struct kotohajime_asset {
    const unsigned char *bytes;
    size_t count;
};

struct kotohajime_asset kotohajime_asset_schema(void);
struct kotohajime_asset kotohajime_asset_enums(void);
struct kotohajime_asset kotohajime_asset_resources(void);
struct kotohajime_asset kotohajime_asset_columns(void);
struct kotohajime_asset kotohajime_asset_descriptions(void);
/// The roles and bindings of every cluster.
struct kotohajime_asset kotohajime_asset_rbac(void);
/// The manifests of `kconsole up --demo`.
struct kotohajime_asset kotohajime_asset_demo(void);

#endif
