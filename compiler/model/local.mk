noinst_LIBRARIES += %D%/libmodel.a
%C%_libmodel_a_SOURCES = %D%/model.c %D%/model.h
