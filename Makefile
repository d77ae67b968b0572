# A thin front of Meson, for those who type make. What depends on what is Meson's business.
BUILD ?= build
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

bench bench-full:
	./setup
	@$(MAKE) --no-print-directory all
	$(BUILD)/gilscope bench $(DEPTH) -o $(RESULTS)
	$(BUILD)/gilscope plot $(RESULTS)
	@echo "Look at $(CURDIR)/$(RESULTS)/index.html"
bench: DEPTH = --quick
bench: RESULTS = results/latest
bench-full: DEPTH = --full
bench-full: RESULTS = results/full

test:
	./setup test
	tests/run

benchmark: all
	meson test -C $(BUILD) --benchmark --logbase benchmarklog

lint:
	./setup test
	tests/lint

install: $(BUILD)/build.ninja
	meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-clang build-asan build-tsan build-aarch64*

help:
	@echo "make             configure and build in $(BUILD)/"
	@echo "make bench       measure this machine for some minutes: charts in results/latest/"
	@echo "make bench-full  the same, everything: charts in results/full/"
	@echo "make test        every test, with two compilers and the sanitizers"
	@echo "make benchmark   the benchmarks of gilscope itself"
	@echo "make lint        formatting, clang-tidy, house style"
	@echo "make install     install below PREFIX (now $(PREFIX)); DESTDIR is put before it"
	@echo "make clean       remove what was built"

.PHONY: all bench bench-full test benchmark lint install clean help
