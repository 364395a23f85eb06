TESTS += %D%/nginx_test.sh %D%/lo_world_test.sh %D%/outputs_test.sh
EXTRA_DIST += %D%/outputs_test.sh %D%/nginx_test.sh %D%/lo_world_test.sh %D%/lo_world.sh %D%/relay.py \
	%D%/https_server.py
