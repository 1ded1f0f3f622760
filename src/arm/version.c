/* version.c - see version.h. */
#include "arm/version.h"

const char *const arm_recovery_services_versions[] = {
	"2016-06-01", "2016-08-10", "2016-12-01", "2017-07-01", "2018-01-10", "2018-07-10",
	"2018-12-20", "2019-05-13", "2019-06-15", "2020-02-02", "2020-07-01", "2020-10-01",
	"2020-12-01", "2021-01-01", "2021-02-01", "2021-02-01-preview", "2021-02-10",
	"2021-03-01", "2021-04-01", "2021-06-01", "2021-07-01", "2021-08-01", "2021-10-01",
	"2021-11-01-preview", "2021-11-15", "2021-12-01", "2022-01-01", "2022-01-31-preview",
	"2022-02-01", "2022-03-01", "2022-04-01", "2022-05-01", "2022-06-01-preview",
	"2022-08-01", "2022-09-01-preview", "2022-09-10", "2022-09-30-preview", "2022-10-01",
	"2023-01-01", "2023-01-15", "2023-02-01", "2023-04-01", "2023-06-01", "2023-08-01",
	"2024-01-01", "2024-02-01", "2024-04-01", "2024-04-30-preview",
	"2024-07-30-preview", "2024-09-30-preview", "2024-10-01",
	"2024-11-01-preview", "2025-01-01", "2025-02-01", "2025-02-28-preview", "2025-08-01",
	"2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01",
	"2026-07-01", "2026-08-01", "2026-09-01", "2026-10-01", "2026-11-01", NULL,
};

#define DATE_LEN 10

static bool listed(struct str version)
{
	for (const char *const *v = arm_recovery_services_versions; *v != NULL; v++)
		if (str_ieq(str_c(*v), version))
			return true;
	return false;
}

static int number(const char *p, int digits)
{
	int n = 0;

	while (digits-- > 0) {
		if (*p < '0' || *p > '9')
			return -1;
		n = n * 10 + (*p++ - '0');
	}
	return n;
}

/* yyyy-MM-dd[-preview], from the year in which ARM began. */
static bool dated(struct str v)
{
	static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int month, day;

	if (v.n < DATE_LEN || v.p[4] != '-' || v.p[7] != '-')
		return false;
	month = number(v.p + 5, 2);
	day = number(v.p + 8, 2);
	if (number(v.p, 4) < 2014 || month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1])
		return false;
	return v.n == DATE_LEN ||
	    str_ieq((struct str){ v.p + DATE_LEN, v.n - DATE_LEN }, STR("-preview"));
}

/* The whole list is longer than an error's text: the newest that are no previews. */
#define SHOWN 12
static int refuse_listed(const char *version, const char *type, struct err *e)
{
	const char *shown[SHOWN];
	char text[SHOWN * (DATE_LEN + 2) + 1] = "";
	size_t n = ARRAY_LEN(arm_recovery_services_versions) - 1, count = 0, used = 0;

	while (n-- > 0 && count < SHOWN)
		if (strlen(arm_recovery_services_versions[n]) == DATE_LEN)
			shown[count++] = arm_recovery_services_versions[n];
	while (count-- > 0) {
		memcpy(text + used, shown[count], DATE_LEN);
		memcpy(text + used + DATE_LEN, ", ", 3);
		used += DATE_LEN + 2;
	}
	text[used - 2] = '\0';
	if (type == NULL)
		return err_code(e, ERR_INVALID, "InvalidApiVersionParameter",
		    "The api-version '%.40s' is invalid. The supported versions are '%s'.", version,
		    text);
	return err_code(e, ERR_INVALID, "NoRegisteredProviderFound",
	    "No registered resource provider found for location '' and API version '%.40s' for "
	    "type '%.40s'. The supported api-versions are '%s'. The supported locations are ''.",
	    version, type, text);
}

static int refuse_date(const char *version, const char *type, struct err *e)
{
	static const char any[] = "yyyy-MM-dd or yyyy-MM-dd-preview from 2014 on";

	if (type == NULL)
		return err_code(e, ERR_INVALID, "InvalidApiVersionParameter",
		    "The api-version '%.40s' is invalid. The supported versions are '%s'.", version,
		    any);
	return err_code(e, ERR_INVALID, "NoRegisteredProviderFound",
	    "No registered resource provider found for location '' and API version '%.40s' for "
	    "type '%.40s'. The supported api-versions are '%s'. The supported locations are ''.",
	    version, type, any);
}

int arm_version_check(const char *version, enum arm_version_list list, const char *type,
    struct err *e)
{
	if (version == NULL || version[0] == '\0')
		return err_code(e, ERR_INVALID, "MissingApiVersionParameter",
		    "The api-version query parameter (?api-version=) is required for all "
		    "requests.");
	if (list == ARM_RECOVERY_SERVICES)
		return listed(str_c(version)) ? 0 : refuse_listed(version, type, e);
	return dated(str_c(version)) ? 0 : refuse_date(version, type, e);
}

bool arm_version_is_secondary(const char *version)
{
	return strcmp(version, "2018-12-20") == 0 || strcmp(version, "2021-11-15") == 0 ||
	    strcmp(version, "2023-01-15") == 0;
}

bool arm_version_at_least(const char *version, const char *date)
{
	return strncmp(version, date, DATE_LEN) >= 0;
}
