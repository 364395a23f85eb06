# nobase keeps the folders: $(pkgdatadir)/editors/vim/...
editorsdir = $(pkgdatadir)
nobase_dist_editors_DATA = %D%/vim/ftdetect/epi.vim %D%/vim/ftplugin/epi.vim %D%/vim/indent/epi.vim \
	%D%/vim/syntax/epi.vim %D%/vim/lua/epi.lua %D%/emacs/epi-mode.el %D%/vscode/package.json \
	%D%/vscode/language-configuration.json %D%/vscode/syntaxes/epi.tmLanguage.json
EXTRA_DIST += %D%/README.md
