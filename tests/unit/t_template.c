/* t_template.c - deployment templates: what comes out of expressions, loops and conditions, in which
 * order, and what is refused in which words. */
#include "t.h"

#include "arm/template.h"

#define SCHEMA "\"$schema\":\"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\""
#define DISK "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/"

static json_t *parse(const char *text)
{
	json_t *j = NULL;
	struct err e;

	OK(jparse(str_c(text), &j, &e));
	return j;
}

/* What a GET shows: {"id","properties":{"of":id}}. */
static int get(void *arg, const char *id, const char *version, json_t **ret, struct err *e)
{
	(void)arg;
	*ret = json_pack("{s:s,s:s*,s:{s:s}}", "id", id, "version", version, "properties", "of", id);
	return *ret != NULL ? 0 : err_nomem(e);
}

static struct template_scope scope = { .subscription = "s", .group = "g", .get = get };

/* Open a template whose members behind $schema are `text`, with `given` as its parameters. */
static int open_with(const char *text, const char *given, struct template **ret, struct err *e)
{
	auto_json json_t *document = NULL, *parameters = parse(given);
	auto_buf struct buf b = { 0 };

	buf_addf(&b, "{" SCHEMA ",%s}", text);
	document = parse(b.p);
	return template_open(document, parameters, &scope, ret, e);
}

/* The value of an expression, as an output of any type. */
static void is(const char *expression, const char *type, const char *want)
{
	auto_template struct template *t = NULL;
	auto_json json_t *out = NULL, *wanted = NULL;
	auto_buf struct buf b = { 0 }, w = { 0 }, got = { 0 };
	struct err e;

	buf_addf(&b, "\"variables\":{\"list\":[1,2,3],\"o\":{\"a\":{\"B\":\"deep\"}}},\"resources\":[],"
	    "\"outputs\":{\"v\":{\"type\":\"%s\",\"value\":\"%s\"}}", type, expression);
	OK(open_with(b.p, "{}", &t, &e));
	OK(template_outputs(t, &out, &e));
	buf_addf(&w, "[%s]", want);
	wanted = parse(w.p);
	if (!json_equal(jat(out, "v.value"), json_array_get(wanted, 0))) {
		OK(jdump(jat(out, "v.value"), &got, &e));
		print_error("%s is %s, not %s\n", expression, got.p, want);
		fail();
	}
}

static void functions_answer_as_in_azure(void **state)
{
	(void)state;
	is("[concat('a', 1, 'b''c')]", "string", "\"a1b'c\"");
	is("[concat(variables('list'), createArray(4))]", "array", "[1,2,3,4]");
	is("[format('{0}-{1}{{}}', 'x', 7)]", "string", "\"x-7{}\"");
	is("[toUpper(concat('a', toLower('B')))]", "string", "\"AB\"");
	is("[replace('a-b-c', '-', '')]", "string", "\"abc\"");
	is("[substring('h\u00e9llo', 1, 2)]", "string", "\"\u00e9l\"");
	is("[split('a,b;c', createArray(',', ';'))]", "array", "[\"a\",\"b\",\"c\"]");
	is("[join(variables('list'), '+')]", "string", "\"1+2+3\"");
	is("[string(createArray('a', 1))]", "string", "\"[\\\"a\\\",1]\"");
	is("[base64('holdfast')]", "string", "\"aG9sZGZhc3Q=\"");
	is("[int('42')]", "int", "42");
	is("[bool('True')]", "bool", "true");
	is("[if(equals(1, 1), 'yes', variables('none'))]", "string", "\"yes\"");
	is("[and(true(), not(or(false(), false())))]", "bool", "true");
	is("[length('h\u00e9')]", "int", "2");
	is("[empty(createObject())]", "bool", "true");
	is("[first(variables('list'))]", "int", "1");
	is("[last('abc')]", "string", "\"c\"");
	is("[take(variables('list'), 9)]", "array", "[1,2,3]");
	is("[skip('abc', 1)]", "string", "\"bc\"");
	is("[union(createObject('a', 1), createObject('b', 2))]", "object", "{\"a\":1,\"b\":2}");
	is("[union(variables('list'), createArray(3, 4))]", "array", "[1,2,3,4]");
	is("[coalesce(null(), 'x')]", "string", "\"x\"");
	is("[array('x')[0]]", "string", "\"x\"");
	is("[variables('o').A['b']]", "string", "\"deep\"");
	is("[[not an expression]", "string", "\"[not an expression]\"");
	is("[resourceId('Microsoft.Compute/disks', 'd')]", "string", "\"" DISK "d\"");
	is("[resourceId('h', 'Microsoft.Network/virtualNetworks/subnets', 'v', 'n')]", "string",
	    "\"/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/v/subnets/n\"");
	is("[resourceId('t', 'h', 'Microsoft.Compute/disks', 'd')]", "string",
	    "\"/subscriptions/t/resourceGroups/h/providers/Microsoft.Compute/disks/d\"");
	is("[subscriptionResourceId('Microsoft.X/y', 'z')]", "string",
	    "\"/subscriptions/s/providers/Microsoft.X/y/z\"");
	is("[reference('" DISK "there', '2022-01-01').of]", "string", "\"" DISK "there\"");
	is("[equals(uniqueString('a', 'b'), uniqueString('ab'))]", "bool", "false");
	is("[length(guid('x'))]", "int", "36");
	is("[mul(add(1, 2), sub(7, 3))]", "int", "12");
}

static void refused(const char *text, const char *given, const char *part)
{
	auto_template struct template *t = NULL;
	auto_json json_t *out = NULL;
	struct err e = { 0 };

	if (open_with(text, given, &t, &e) == 0)
		assert_int_equal(template_outputs(t, &out, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_string_equal(e.code, "InvalidTemplate");
	CONTAINS(e.msg, part);
}

#define OUTPUT(expression) "\"resources\":[],\"outputs\":{\"v\":{\"type\":\"string\",\"value\":\"" expression "\"}}"

static void a_refusal_names_place_and_function(void **state)
{
	(void)state;
	refused(OUTPUT("[nothing('x')]"), "{}", "outputs.v: function 'nothing' is not known");
	refused(OUTPUT("[toLower(1)]"), "{}", "outputs.v: function 'toLower': argument 1: a string");
	refused(OUTPUT("[toLower('a', 'b')]"), "{}", "function 'toLower': 2 arguments are too many");
	refused(OUTPUT("[concat('a'']"), "{}", "the text has no closing quote");
	refused(OUTPUT("[a.b]"), "{}", "expression, character 3: '(' is expected");
	refused(OUTPUT("[true()]"), "{}", "the value is not of the declared type 'string'");
	refused(OUTPUT("[div(1, 0)]"), "{}", "division by zero");
	refused("\"variables\":{\"a\":\"[variables('b')]\",\"b\":\"[variables('a')]\"},\"resources\":[]", "{}",
	    "the variable 'a' depends on itself");
	refused("\"variables\":{\"a\":\"[reference('" DISK "x', '2020-01-01')]\"},\"resources\":[]", "{}",
	    "variables.a: function 'reference'");
	refused("\"resources\":{}", "{}", "languageVersion 2.0");
	refused("\"resources\":[{\"type\":\"Microsoft.Compute/disks\",\"apiVersion\":\"2020-01-01\"}]", "{}",
	    "resources[0].name: required");
	refused("\"resources\":[{\"type\":\"Microsoft.Compute/disks\",\"name\":\"a/b\",\"apiVersion\":\"1\"}]",
	    "{}", "segments");
}

static void parameters_are_checked(void **state)
{
	static const char declared[] = "\"parameters\":{\"n\":{\"type\":\"int\",\"minValue\":1,\"maxValue\":3},"
	    "\"s\":{\"type\":\"String\",\"defaultValue\":\"[concat('a', 'b')]\",\"allowedValues\":[\"ab\",\"c\"]},"
	    "\"p\":{\"type\":\"secureString\",\"defaultValue\":\"hush\",\"minLength\":2}},\"resources\":[]";
	auto_template struct template *t = NULL;
	auto_json json_t *shown = NULL, *want = NULL;
	struct err e;

	(void)state;
	OK(open_with(declared, "{\"N\":{\"value\":2}}", &t, &e));
	shown = template_parameters(t);
	want = parse("{\"n\":{\"type\":\"int\",\"value\":2},\"s\":{\"type\":\"String\",\"value\":\"ab\"},"
	    "\"p\":{\"type\":\"secureString\"}}");
	assert_true(json_equal(shown, want));
	refused(declared, "{}", "the value for the template parameter 'n' is not provided");
	refused(declared, "{\"n\":{\"value\":9}}", "parameters.n: 9 is more than maxValue 3");
	refused(declared, "{\"n\":{\"value\":\"1\"}}", "declared type 'int'");
	refused(declared, "{\"n\":{\"value\":1},\"s\":{\"value\":\"x\"}}", "parameters.s: the value is not one of");
	refused(declared, "{\"n\":{\"value\":1},\"p\":{\"value\":\"x\"}}", "1 is less than minLength 2");
	refused(declared, "{\"n\":{\"value\":1},\"q\":{\"value\":1}}", "'q' is given, but not declared");
	refused(declared, "{\"n\":{\"reference\":{}}}", "key vault");
}

#define D "\"type\":\"Microsoft.Compute/disks\",\"apiVersion\":\"2022-01-01\""

static void names_in_order(const char *text, const char *want)
{
	auto_template struct template *t = NULL;
	auto_buf struct buf b = { 0 };
	struct err e;

	OK(open_with(text, "{}", &t, &e));
	for (size_t i = 0; i < template_count(t); i++)
		buf_addf(&b, "%s%s ", template_at(t, i)->skipped ? "!" : "", template_at(t, i)->name);
	assert_string_equal(b.p, want);
}

static void what_is_needed_comes_first(void **state)
{
	(void)state;
	names_in_order("\"resources\":[{" D ",\"name\":\"a\",\"dependsOn\":[\"b\"]},"
	    "{" D ",\"name\":\"b\",\"dependsOn\":[\"[resourceId('Microsoft.Compute/disks', 'c')]\"]},"
	    "{" D ",\"name\":\"c\"}]", "c b a ");
	names_in_order("\"resources\":[{" D ",\"name\":\"a\",\"tags\":{\"x\":\"[reference('b').of]\"}},"
	    "{" D ",\"name\":\"b\"}]", "b a ");
	names_in_order("\"resources\":[{" D ",\"name\":\"last\",\"dependsOn\":[\"many\"]},"
	    "{" D ",\"name\":\"[concat('d', copyIndex(1))]\",\"copy\":{\"name\":\"many\",\"count\":2}},"
	    "{" D ",\"name\":\"no\",\"condition\":\"[equals(1, 2)]\"}]", "d1 d2 last !no ");
	refused("\"resources\":[{" D ",\"name\":\"a\",\"dependsOn\":[\"b\"]},{" D ",\"name\":\"b\","
	    "\"dependsOn\":[\"a\"]}]", "{}", "circular dependency");
	refused("\"resources\":[{" D ",\"name\":\"a\",\"dependsOn\":[\"z\"]}]", "{}",
	    "resources[0].dependsOn[0]: the resource 'z' is not defined");
	names_in_order("\"resources\":[{" D ",\"name\":\"a\",\"dependsOn\":[\"Microsoft.Compute/disks/b\"]},"
	    "{" D ",\"name\":\"b\"}]", "b a ");
	refused("\"resources\":[{" D ",\"name\":\"a\",\"dependsOn\":[\"b\"]},{" D ",\"name\":\"b\"},"
	    "{\"type\":\"Microsoft.Compute/virtualMachines\",\"apiVersion\":\"2022-01-01\",\"name\":\"b\"}]",
	    "{}", "names more than one resource");
	refused("\"resources\":[{" D ",\"name\":\"a\"},{" D ",\"name\":\"A\"}]", "{}", "is defined twice");
	refused("\"resources\":[{" D ",\"name\":\"[string(copyIndex())]\",\"copy\":{\"name\":\"n\",\"count\":801}}]",
	    "{}", "copy.count");
	refused("\"resources\":[{" D ",\"name\":\"[concat('a', copyIndex())]\",\"copy\":{\"name\":\"as\",\"count\":200}},"
	    "{" D ",\"name\":\"[concat('b', copyIndex())]\",\"dependsOn\":[\"as\"],\"copy\":{\"name\":\"bs\",\"count\":51}}]",
	    "{}", "more than 10000 dependencies");
}

static void documents_are_made(void **state)
{
	auto_template struct template *t = NULL;
	auto_json json_t *body = NULL, *want = NULL;
	struct err e;

	(void)state;
	OK(open_with("\"resources\":[{" D ",\"name\":\"a\"},{" D ",\"name\":\"b\",\"location\":\"eastus\","
	    "\"comments\":\"x\",\"properties\":{\"of\":\"[reference('a').of]\",\"copy\":[{\"name\":\"luns\","
	    "\"count\":2,\"input\":{\"lun\":\"[copyIndex('luns')]\"}}]}}]", "{}", &t, &e));
	OK(template_body(t, 1, &body, &e));
	want = parse("{\"location\":\"eastus\",\"properties\":{\"of\":\"" DISK "a\","
	    "\"luns\":[{\"lun\":0},{\"lun\":1}]}}");
	assert_true(json_equal(body, want));
}

/* Forty doublings: each variable is twice the one before. */
static void small_templates_stay_small(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_adds(&b, "\"resources\":[],\"variables\":{\"v0\":\"0123456789\"");
	for (int i = 1; i < 40; i++)
		buf_addf(&b, ",\"v%d\":\"[createArray(variables('v%d'), variables('v%d'))]\"", i, i - 1, i - 1);
	buf_adds(&b, "}");
	refused(b.p, "{}", "too large");
}

static void repeat(struct buf *b, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		buf_adds(b, text);
}

/* A larger template would ask for more memory than there is: refused while it is filled. */
static void a_format_is_not_filled_without_end(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_adds(&b, "\"resources\":[],\"variables\":{\"of\":\"");
	repeat(&b, "{0}", 2000);
	buf_adds(&b, "\",\"v\":\"");
	repeat(&b, "0123456789", 1000);
	buf_adds(&b, "\",\"all\":\"[format(variables('of'), variables('v'))]\"}");
	refused(b.p, "{}", "function 'format': the result is too large");
}

/* Every place of the text is compared with every delimiter. */
static void splitting_costs_what_it_compares(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_adds(&b, "\"resources\":[],\"variables\":{\"v\":\"");
	repeat(&b, "0123456789", 10000);
	buf_adds(&b, "\",\"by\":[\"x\"");
	repeat(&b, ",\"0x\"", 10000);
	buf_adds(&b, "],\"all\":\"[length(split(variables('v'), variables('by')))]\"}");
	refused(b.p, "{}", "too large");
}

/* A loop whose documents wait for reference() is read as often as it runs. */
static void looking_for_references_costs(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	buf_adds(&b, "\"resources\":[{\"type\":\"Microsoft.Compute/disks\",\"apiVersion\":\"1\","
	    "\"name\":\"[concat('d', copyIndex())]\",\"copy\":{\"name\":\"c\",\"count\":800},"
	    "\"properties\":{\"of\":\"[reference('/subscriptions/s/x', '1')]\",\"list\":[0");
	repeat(&b, ",\"[add(add(1, 2), add(add(3, 4), add(5, 6)))]\"", 1000);
	buf_adds(&b, "]}}]");
	refused(b.p, "{}", "too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_answer_as_in_azure),
		cmocka_unit_test(a_refusal_names_place_and_function),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(what_is_needed_comes_first),
		cmocka_unit_test(documents_are_made),
		cmocka_unit_test(small_templates_stay_small),
		cmocka_unit_test(a_format_is_not_filled_without_end),
		cmocka_unit_test(splitting_costs_what_it_compares),
		cmocka_unit_test(looking_for_references_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
