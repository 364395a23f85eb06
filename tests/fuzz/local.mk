# Every fuzzer's entry is linked with replay.c, and its corpus is a test.  With
# --enable-fuzzers (clang) it becomes a libFuzzer program, too:
#	tests/fuzz/fuzz_plan -max_len=8192 DIR-FOR-NEW-ONES tests/fuzz/corpus/plan
check_PROGRAMS += %D%/replay_plan
%C%_replay_plan_SOURCES = %D%/fuzz_plan.c %D%/replay.c
%C%_replay_plan_LDADD = runtime/plan/libplanreader.a $(CBOR_LIBS) -lm
TESTS += %D%/replay_plan_test.sh
EXTRA_DIST += %D%/replay_plan_test.sh %D%/corpus

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_plan
%C%_fuzz_plan_SOURCES = %D%/fuzz_plan.c
%C%_fuzz_plan_LDADD = runtime/plan/libplanreader.a $(CBOR_LIBS) -lm
%C%_fuzz_plan_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
