# epic-socksd with real clients, servers and judges.
TESTS += %D%/hospital_test.sh %D%/judges_test.sh %D%/reload_test.sh %D%/robust_test.sh %D%/service_test.sh %D%/tls_test.sh
EXTRA_DIST += %D%/hospital_test.sh %D%/hospital_test.py %D%/hospital_world.py %D%/judges_test.py \
	%D%/judges_test.sh %D%/reload_test.py %D%/reload_test.sh %D%/robust_test.py %D%/robust_test.sh %D%/service_test.sh \
	%D%/socks6_get.py %D%/tls_test.py %D%/tls_test.sh %D%/wire.py %D%/world.py
