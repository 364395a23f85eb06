# Every fuzzer's entry is linked with replay.c, and its corpus is a test.  With
# --enable-fuzzers (clang) it becomes a libFuzzer program, too:
#	tests/fuzz/fuzz_plan -max_len=8192 DIR-FOR-NEW-ONES tests/fuzz/corpus/plan
FUZZ_PLAN_LIBS = runtime/plan/libplanreader.a $(CBOR_LIBS) -lm
FUZZ_POLICY_LIBS = compiler/tools/libtools.a $(BACKEND_LIBS) compiler/plan/libplan.a \
	compiler/solve/libsolve.a compiler/lower/liblower.a compiler/ir/libir.a \
	compiler/check/libcheck.a compiler/model/libmodel.a grammar/libgrammar.a \
	compiler/filter/libfilter.a compiler/ast/libast.a runtime/plan/libplanreader.a \
	compiler/base/libbase.a $(SOLVER_LIBS) $(CBOR_LIBS) $(NETTLE_LIBS) -lm

check_PROGRAMS += %D%/replay_plan %D%/replay_policy %D%/replay_fmt
%C%_replay_plan_SOURCES = %D%/fuzz_plan.c %D%/replay.c
%C%_replay_plan_LDADD = $(FUZZ_PLAN_LIBS)
%C%_replay_policy_SOURCES = %D%/fuzz_policy.c %D%/replay.c
%C%_replay_policy_LDADD = $(FUZZ_POLICY_LIBS)
%C%_replay_fmt_SOURCES = %D%/fuzz_fmt.c %D%/replay.c
%C%_replay_fmt_LDADD = $(FUZZ_POLICY_LIBS)
TESTS += %D%/replay_plan_test.sh %D%/replay_policy_test.sh
EXTRA_DIST += %D%/replay_plan_test.sh %D%/replay_policy_test.sh %D%/corpus

if FUZZERS
noinst_PROGRAMS += %D%/fuzz_plan %D%/fuzz_policy %D%/fuzz_fmt
%C%_fuzz_plan_SOURCES = %D%/fuzz_plan.c
%C%_fuzz_plan_LDADD = $(FUZZ_PLAN_LIBS)
%C%_fuzz_plan_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_policy_SOURCES = %D%/fuzz_policy.c
%C%_fuzz_policy_LDADD = $(FUZZ_POLICY_LIBS)
%C%_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
%C%_fuzz_fmt_SOURCES = %D%/fuzz_fmt.c
%C%_fuzz_fmt_LDADD = $(FUZZ_POLICY_LIBS)
%C%_fuzz_fmt_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
