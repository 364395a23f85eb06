;;; epi-mode.el --- Policies of epic  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0
;; Version: 0.1
;; Package-Requires: ((emacs "26.1"))
;; Keywords: languages

;;; Commentary:

;; Colours, indentation and comments for .epi files; with eglot, the language server `epic lsp'.
;; The lists of words are compared with grammar/schema.def and grammar/units.def by the tests.

;;; Code:

(defconst epi-declarations
  '("application" "attribute" "class" "domain" "edition" "expect" "function" "let" "module"
    "node" "pipeline" "slo" "target" "use")
  "Words that begin a declaration.")

(defconst epi-operators
  '("and" "as" "in" "not" "or" "otherwise")
  "Operators that are words.")

(defconst epi-kinds
  '("endpoint" "proxy" "server" "switch" "label" "bess" "dpdk" "nginx" "socks" "dot" "reach"
    "bridge" "path" "area" "feasible" "classified")
  "Kinds of nodes, attributes, targets and expectations.")

(defconst epi-values
  '("allow" "areas" "auto" "both" "cores" "deny" "destination" "dot" "draft" "either"
    "entitlement" "epi" "exit" "flows" "forward" "full" "functions" "headers" "high" "html"
    "http" "json" "keyword" "legacy" "low" "medium" "mermaid" "mtls" "native" "never" "no"
    "none" "packet-cost" "password" "payload" "pipelines" "port" "prefix" "rewrite" "safe"
    "schedulers" "servers" "setup-time" "source" "stream" "svg" "tasks" "throughput" "transit"
    "tunnel" "unsafe" "useful" "yes")
  "Words that properties take.")

(defconst epi-properties
  '("above" "accepts" "accounting" "actions" "address" "affinity" "after" "api" "at"
    "attributes" "auth" "authority" "base-port" "before" "bess-class" "carries" "certificate"
    "certificate-key" "classify" "classify-cost" "clock" "contact" "cores" "cost"
    "cost-per-byte" "cpu" "default" "derives" "dialect" "dpdk-class" "encrypted-match"
    "enforce" "external" "fast-open" "floor" "flow" "for" "forbid" "format" "hosts" "image"
    "implies" "inspects" "latency" "listen" "match" "measured" "memory" "minimise" "mode" "nic"
    "objective" "on" "opaque" "packet" "pair" "permit" "ports" "priority" "provides" "purpose"
    "queue" "queue-cost" "rate" "replay" "replicas" "requires" "reserve" "rewrites" "role"
    "rules" "scale" "schedulable" "setup" "side" "socks-class" "speed" "through" "throughput"
    "tolerance" "trust" "users" "version" "view" "warm" "workers")
  "Properties of all blocks.")

(defconst epi-clauses
  '("by" "group" "via" "when")
  "Words that begin a clause.")

(defconst epi-units
  '("%" "B" "B/s" "GB" "GB/s" "GHz" "Gbps" "Gbps/GHz" "GiB" "Gpps" "Hz" "KiB" "MB" "MB/s" "MHz"
    "Mbps" "Mbps/GHz" "MiB" "Mpps" "Mpps/GHz" "Tbps" "bps" "cycles" "cycles/B" "d" "h" "kB"
    "kB/s" "kHz" "kbps" "kpps" "kpps/GHz" "min" "ms" "ns" "pps" "s" "us" "µs" "μs")
  "Units of quantities.")

(defun epi-words (words)
  "A regexp for WORDS that stand by themselves."
  (concat "\\_<" (regexp-opt words) "\\_>"))

(defconst epi-font-lock-keywords
  `((,(epi-words epi-declarations) . font-lock-keyword-face)
    (,(epi-words epi-operators) . font-lock-builtin-face)
    (,(epi-words epi-kinds) . font-lock-type-face)
    (,(epi-words epi-values) . font-lock-constant-face)
    (,(epi-words epi-properties) . font-lock-variable-name-face)
    (,(epi-words epi-clauses) . font-lock-builtin-face)
    ("@[A-Za-z_][A-Za-z0-9_-]*" . font-lock-preprocessor-face)
    (,(concat "\\_<[0-9][0-9_]*\\(?:\\.[0-9]+\\)?" (regexp-opt epi-units) "\\_>")
     . font-lock-constant-face))
  "What `epi-mode' colours beside comments and strings.")

(defconst epi-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?\\ "\\" table)
    (modify-syntax-entry ?- "_" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?% "_" table)
    table)
  "Comments, strings and names of policies.")

(defcustom epi-indent-offset 2
  "Blanks for each open brace."
  :type 'integer
  :safe #'integerp
  :group 'languages)

(defun epi-indent-line ()
  "Indent by the braces that are open."
  (interactive)
  (let* ((depth (save-excursion
                  (back-to-indentation)
                  (- (car (syntax-ppss)) (if (looking-at "[})]") 1 0))))
         (column (* epi-indent-offset (max 0 depth))))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode epi-mode prog-mode "epi"
  "Major mode for policies of epic."
  :syntax-table epi-mode-syntax-table
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+ *")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'epi-indent-line)
  (setq-local font-lock-defaults '(epi-font-lock-keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.epi\\'" . epi-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(epi-mode . ("epic" "lsp"))))

(provide 'epi-mode)
;;; epi-mode.el ends here
