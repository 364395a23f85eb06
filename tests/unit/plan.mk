check_PROGRAMS += %D%/test_plan_reader %D%/test_plan_writers %D%/write_sample
%C%_test_plan_reader_SOURCES = %D%/test_plan_reader.c
%C%_test_plan_reader_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_plan_reader_LDADD = runtime/plan/libplanreader.a $(UNIT_LIBS) $(CBOR_LIBS) -lm
%C%_test_plan_writers_SOURCES = %D%/test_plan_writers.c %D%/sample_plan.c %D%/sample_plan.h
%C%_test_plan_writers_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_plan_writers_LDADD = backends/cbor/libplancbor.a backends/json/libjson.a \
	compiler/plan/libplan.a runtime/plan/libplanreader.a compiler/base/libbase.a $(UNIT_LIBS) \
	$(CBOR_LIBS) -lm
%C%_write_sample_SOURCES = %D%/write_sample.c %D%/sample_plan.c %D%/sample_plan.h
%C%_write_sample_LDADD = backends/cbor/libplancbor.a backends/json/libjson.a \
	compiler/plan/libplan.a compiler/base/libbase.a $(CBOR_LIBS) -lm
TESTS += %D%/test_plan_reader %D%/test_plan_writers
