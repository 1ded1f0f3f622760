# The few targets a newcomer types.  meson and ninja do the work.
BUILD ?= build

all: $(BUILD)/holdfast

# ninja decides what is out of date
.PHONY: all $(BUILD)/holdfast
$(BUILD)/holdfast: $(BUILD)/build.ninja
	@[ -e $@ ] || echo "building $@ (half a minute on two cores)"
	@ninja -C $(BUILD) --quiet holdfast

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: 'make deps' installs what the build needs" >&2; exit 1; }
	@meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log >&2; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

.PHONY: deps deps-check
deps:
	@scripts/install-packages build
deps-check:
	@scripts/install-packages build check

# Build, make a data directory, start the server, back up and restore a VM.
.PHONY: quickstart
quickstart: deps
	@$(MAKE) --no-print-directory all
	@scripts/quickstart $(BUILD)/holdfast

# Every test; the last line is "N passed, N failed".
.PHONY: check
check: deps-check
	@scripts/check

# Shares of it, and longer runs.
.PHONY: check-unit check-api check-clients check-asan check-tsan check-lint check-fuzz check-crash
check-unit check-api check-clients check-asan check-tsan check-lint check-fuzz check-crash: deps-check
	@scripts/check $@

# holdfast's vault beside restic, borg, casync and qemu-img, on one image; about ten minutes.
.PHONY: bench bench-scale
bench: deps
	@scripts/install-packages bench
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) --quiet tests/vault_tool
	@tests/perf/bench --tool $(BUILD)/tests/vault_tool --plot $(BUILD)/bench.svg

# Disks up to 64 GiB and 1 TiB sparse, 10,000 points, 100,000 chunks; half an hour and 170 GiB of disk.
bench-scale: deps
	@scripts/install-packages bench
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) --quiet tests/vault_tool
	@tests/perf/scale --tool $(BUILD)/tests/vault_tool

.PHONY: install clean
install: all
	@meson install -C $(BUILD)
clean:
	rm -rf $(BUILD) $(BUILD)-*
