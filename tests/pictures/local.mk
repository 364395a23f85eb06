# Pictures: their forms, and pages in a browser.
TESTS += %D%/page_test.sh %D%/forms_test.sh
EXTRA_DIST += %D%/browser.py %D%/crowd.py %D%/flowchart.py %D%/forms_test.sh %D%/graph_json.py %D%/golden %D%/page_test.py %D%/page_test.sh
