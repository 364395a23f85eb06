" Policies of epic: comments, layout, and in Neovim the language server.
" `let g:epi_lsp = 0` keeps the server away; `let g:epi_command = [...]` names another epic.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:##,:# commentstring=#\ %s
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal iskeyword+=-
setlocal suffixesadd=.epi
setlocal makeprg=epic\ check\ --format\ plain\ %:S
setlocal errorformat=%f:%l:%c:\ %trror[%*[^]]]:\ %m,%f:%l:%c:\ %tarning[%*[^]]]:\ %m,%f:%l:%c:\ %tnfo[%*[^]]]:\ %m
let b:undo_ftplugin = "setlocal comments< commentstring< expandtab< shiftwidth< softtabstop< iskeyword< suffixesadd< makeprg< errorformat<"

if has("nvim") && get(g:, "epi_lsp", 1)
  lua require("epi").start()
endif
