/* x509.h - the certificates that `holdfast init` makes: a small CA and a
 * server certificate signed by it (RFC 5280; SKI and AKI included, since
 * strict verifiers ask for them).  EC P-256. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "base/base.h"

/* Writes the CA's certificate (0644) and key (0600) as PEM. */
must_check int x509_make_ca(const char *cert_path, const char *key_path, const char *common_name,
    struct err *e);

/* Signs a server certificate for `names` (DNS names or IP address literals,
 * NULL-terminated) with that CA; validity `days`. */
must_check int x509_make_server(const char *ca_cert_path, const char *ca_key_path,
    const char *const *names, int days, const char *cert_path, const char *key_path, struct err *e);

#endif
