/* target.h - an image that holds something already, while a disk is restored into it. */
#ifndef VAULT_TARGET_H
#define VAULT_TARGET_H

#include "vault/read.h"

/* Does the image hold at `chunk` what `id` was made of?  `scratch` has CHUNK_MAX bytes. */
must_check int target_has(const struct disk_read *d, struct codec *c, uint64_t chunk,
    const struct chunk_id *id, uint8_t *scratch, bool *ret, struct err *e);

/* Chunks [first, end) are holes of the map: whatever the image holds there is cleared, of the
 * chunks that may differ. */
must_check int target_clear(const struct disk_read *d, uint64_t first, uint64_t end, struct err *e);

void target_wrote(const struct disk_read *d, size_t n);	/* counts */

#endif
