noinst_LIBRARIES += %D%/libir.a
%C%_libir_a_SOURCES = %D%/ir.c %D%/ir.h %D%/schedule.h %D%/solution.h %D%/walk.c %D%/walk.h
