" Two blanks for each open brace; what closes one stands below what opened it.
if exists("b:did_indent")
  finish
endif
let b:did_indent = 1

setlocal indentexpr=EpiIndent(v:lnum)
setlocal indentkeys=0},!^F,o,O
let b:undo_indent = "setlocal indentexpr< indentkeys<"

if exists("*EpiIndent")
  finish
endif

" Braces that a line leaves open; comments and strings do not count.
function s:Open(line)
  let text = substitute(a:line, '"\%(\\.\|[^"\\]\)*"', '', 'g')
  let text = substitute(text, '#.*', '', '')
  return count(text, '{') - count(text, '}')
endfunction

function EpiIndent(number)
  let before = prevnonblank(a:number - 1)
  if before == 0
    return 0
  endif
  let open = s:Open(getline(before)) + (getline(before) =~# '^\s*}' ? 1 : 0)
  let indent = indent(before) + (open > 0 ? shiftwidth() : open < 0 ? open * shiftwidth() : 0)
  if getline(a:number) =~# '^\s*}'
    let indent -= shiftwidth()
  endif
  return indent < 0 ? 0 : indent
endfunction
