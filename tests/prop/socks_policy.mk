check_PROGRAMS += %D%/prop_socks_policy
%C%_prop_socks_policy_SOURCES = %D%/prop_socks_policy.c tests/unit/policy_of.h
%C%_prop_socks_policy_LDADD = $(SOCKS_POLICY_LIBS)
TESTS += %D%/prop_socks_policy
