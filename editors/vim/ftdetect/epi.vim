autocmd BufRead,BufNewFile *.epi setfiletype epi
