# runtime/core.
CORE_TEST_LIBS = runtime/core/libcore.a $(UNIT_LIBS) $(JANSSON_LIBS) -lpthread -lm

check_PROGRAMS += %D%/test_core_text %D%/test_core_log %D%/test_core_control %D%/test_core_json
%C%_test_core_text_SOURCES = %D%/test_core_text.c
%C%_test_core_text_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_text_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_log_SOURCES = %D%/test_core_log.c
%C%_test_core_log_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_log_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_control_SOURCES = %D%/test_core_control.c
%C%_test_core_control_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_control_LDADD = $(CORE_TEST_LIBS)
%C%_test_core_json_SOURCES = %D%/test_core_json.c
%C%_test_core_json_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_core_json_LDADD = $(CORE_TEST_LIBS)
TESTS += %D%/test_core_text %D%/test_core_log %D%/test_core_control %D%/test_core_json
