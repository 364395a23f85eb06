TESTS += %D%/nginx_test.sh %D%/lo_world_test.sh
EXTRA_DIST += %D%/nginx_test.sh %D%/lo_world_test.sh %D%/lo_world.sh %D%/relay.py \
	%D%/https_server.py
