// The tables of assets/api and the demo as constant data of the program: no file to find at run time and nothing for the Swift
// compiler to chew. `#embed` is C23; clang 19 and later know it in every mode.
#include "CAssets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define ASSET(name) \
    struct kotohajime_asset kotohajime_asset_##name(void) { \
        return (struct kotohajime_asset){name, sizeof name}; \
    }

static const unsigned char schema[] = {
#embed "../../assets/api/schema.txt"
};
static const unsigned char enums[] = {
#embed "../../assets/api/enums.txt"
};
static const unsigned char resources[] = {
#embed "../../assets/api/resources.txt"
};
static const unsigned char columns[] = {
#embed "../../assets/api/columns.txt"
};
static const unsigned char descriptions[] = {
#embed "../../assets/api/descriptions.txt"
};
static const unsigned char rbac[] = {
#embed "../../assets/api/rbac.txt"
};
static const unsigned char demo[] = {
#embed "../../assets/demo/demo.yaml"
};

ASSET(schema)
ASSET(enums)
ASSET(resources)
ASSET(columns)
ASSET(descriptions)
ASSET(rbac)
ASSET(demo)
