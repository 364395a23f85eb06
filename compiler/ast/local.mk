noinst_LIBRARIES += %D%/libast.a
%C%_libast_a_SOURCES = %D%/ast.c %D%/ast.h %D%/units.c %D%/units.h
