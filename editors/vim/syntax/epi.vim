" Vim syntax file: policies of epic (.epi).
" The lists of words are compared with grammar/schema.def and grammar/units.def by the tests.
if exists("b:current_syntax")
  finish
endif

syn case match
syn iskeyword @,48-57,_,-

syn keyword epiDeclaration application attribute class domain edition expect function let module
syn keyword epiDeclaration node pipeline slo target use
syn keyword epiOperator and as in not or otherwise
syn keyword epiKind endpoint proxy server switch label bess dpdk nginx socks dot reach
syn keyword epiKind bridge path area feasible classified
syn keyword epiValue allow areas auto both cores deny destination dot draft either
syn keyword epiValue entitlement epi exit flows forward full functions headers high html
syn keyword epiValue http json keyword legacy low medium mermaid mtls native never no none
syn keyword epiValue packet-cost password payload pipelines port prefix rewrite safe
syn keyword epiValue schedulers servers setup-time source stream svg tasks throughput
syn keyword epiValue transit tunnel unsafe useful yes
syn keyword epiProperty above accepts accounting actions address affinity after api at
syn keyword epiProperty attributes auth authority base-port before bess-class carries
syn keyword epiProperty certificate certificate-key classify classify-cost clock contact cores
syn keyword epiProperty cost cost-per-byte cpu default derives dialect dpdk-class
syn keyword epiProperty encrypted-match enforce external fast-open floor flow for forbid
syn keyword epiProperty format hosts image implies inspects latency listen match measured
syn keyword epiProperty memory minimise mode nic objective on opaque packet pair permit ports
syn keyword epiProperty priority provides purpose queue queue-cost rate replay replicas
syn keyword epiProperty requires reserve rewrites role rules scale schedulable setup side
syn keyword epiProperty socks-class speed through throughput tolerance trust users version
syn keyword epiProperty view warm workers
syn keyword epiClause by group via when

syn match epiAnnotation "@\h[A-Za-z0-9_-]*"
syn match epiArrow "->>\|->\|=>\|\.\."
syn match epiNumber "\<\(0x\x\+\|\d[0-9_]*\(\.\d\+\)\?\)\>"
" A number with its unit.
syn match epiQuantity "\<\d[0-9_]*\(\.\d\+\)\?\(Gbps\/GHz\|Mbps\/GHz\|Mpps\/GHz\|cycles\/B\|kpps\/GHz\|cycles\|GB\/s\|MB\/s\|kB\/s\|B\/s\|Gbps\|Gpps\|Mbps\|Mpps\|Tbps\|kbps\|kpps\|GHz\|GiB\|KiB\|MHz\|MiB\|bps\|kHz\|min\|pps\|GB\|Hz\|MB\|kB\|ms\|ns\|us\|µs\|μs\|%\|B\|d\|h\|s\)\%([A-Za-z0-9_%]\)\@!"
syn match epiAddress "\<\d\{1,3}\(\.\d\{1,3}\)\{3}\(/\d\+\)\?"
syn match epiAddress "\<\x\{1,4}\(:\x\{0,4}\)\{2,7}\(/\d\+\)\?"
syn match epiService "\<\d\+/\(tcp\|udp\|sctp\)\>"
syn match epiDate "\<\d\{4}-\d\d-\d\d\>"
syn match epiEscape contained "\\\(["\\nt]\|u{\x\+}\)"
syn region epiString start=+"+ skip=+\\.+ end=+"+ oneline contains=epiEscape
syn match epiComment "#.*" contains=epiTodo,@Spell
syn match epiDoc "##.*" contains=epiTodo,@Spell
syn keyword epiTodo contained FIXME XXX

hi def link epiDeclaration Keyword
hi def link epiOperator Operator
hi def link epiKind Type
hi def link epiValue Constant
hi def link epiProperty Identifier
hi def link epiClause Statement
hi def link epiAnnotation PreProc
hi def link epiArrow Operator
hi def link epiNumber Number
hi def link epiQuantity Number
hi def link epiAddress Constant
hi def link epiService Constant
hi def link epiDate Constant
hi def link epiString String
hi def link epiEscape SpecialChar
hi def link epiComment Comment
hi def link epiDoc SpecialComment
hi def link epiTodo Todo

let b:current_syntax = "epi"
