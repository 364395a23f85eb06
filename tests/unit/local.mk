check_LIBRARIES += %D%/libunit.a
%C%_libunit_a_SOURCES = %D%/unit.c %D%/unit.h
%C%_libunit_a_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)

# Each test links only its own layer and what that layer may include, so that an
# upward call fails to link.
UNIT_LIBS = %D%/libunit.a $(CUNIT_LIBS)

check_PROGRAMS += %D%/test_base
%C%_test_base_SOURCES = %D%/test_base.c
%C%_test_base_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
%C%_test_base_LDADD = compiler/base/libbase.a $(UNIT_LIBS)
TESTS += %D%/test_base
