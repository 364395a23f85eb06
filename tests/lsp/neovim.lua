-- What a person does, in Neovim with editors/vim: see the finding, take the fix, lay the text out,
-- jump, hover.  Run by neovim_test.sh in a folder of its own; writes "ok" or what went wrong.
local out = io.open(vim.env.RESULT, "w")

local function finish(text)
  out:write(text .. "\n")
  out:close()
  vim.cmd("qall!")
end

local function holds(what, ok, found)
  if not ok then
    finish("FAIL " .. what .. ": " .. vim.inspect(found))
    error(what)
  end
end

local function wait(what, condition)
  holds(what, vim.wait(20000, condition, 20), vim.diagnostic.get(0))
end

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 20000) or {}
  for _, answer in pairs(answers) do
    return answer.result, answer.error
  end
end

local function place(line, text)
  vim.api.nvim_win_set_cursor(0, { line, vim.fn.getline(line):find(text, 1, true) - 1 })
end

local function run()
  vim.g.epi_command = { vim.env.EPIC, "lsp" }
  vim.cmd("filetype plugin indent on")
  vim.cmd("syntax on")
  vim.cmd("edit policy.epi")
  holds("the file type", vim.bo.filetype == "epi", vim.bo.filetype)

  -- The mistake is shown by itself.
  wait("one finding", function() return #vim.diagnostic.get(0) == 1 end)
  local finding = vim.diagnostic.get(0)[1]
  holds("its message", finding.message:find("no attribute is called 'firewal'", 1, true), finding)
  holds("its line", finding.lnum == 6, finding)

  -- Its fix is offered, and takes it away.
  place(7, "firewal}")
  local params = vim.lsp.util.make_range_params()
  params.context = { diagnostics = {} }
  local actions = ask("textDocument/codeAction", params)
  holds("one action", actions and #actions == 1, actions)
  vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
  holds("the fix", vim.fn.getline(7):find("{firewall}", 1, true), vim.fn.getline(7))
  wait("no error", function()
    return #vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR }) == 0
  end)

  -- The layout is that of `epic fmt`.
  if vim.lsp.buf.format then
    vim.lsp.buf.format({ timeout_ms = 20000 })
  else
    vim.lsp.buf.formatting_sync(nil, 20000)
  end
  vim.cmd("silent write")
  holds("the layout", os.execute(vim.env.EPIC .. " fmt --check -q policy.epi") == 0, vim.fn.getline(1, "$"))

  -- A name of the library leads there, one of the file to its declaration.
  local line = vim.fn.search("{firewall}")
  place(line, "firewall}")
  vim.lsp.buf.definition()
  wait("the library", function() return vim.fn.expand("%:t") == "security.epi" end)
  holds("the declaration", vim.fn.getline("."):find("firewall", 1, true), vim.fn.getline("."))
  vim.cmd("buffer policy.epi")

  -- Hover tells what the author wrote above it.
  line = vim.fn.search("^domain")
  place(line, "north")
  local hover = ask("textDocument/hover", vim.lsp.util.make_position_params())
  holds("the documentation", hover and hover.contents.value:find("Holds the records.", 1, true), hover)

  -- Half a word is completed by the properties of the block.
  vim.fn.append(line, "  cont")
  vim.api.nvim_win_set_cursor(0, { line + 1, 6 })
  params = vim.lsp.util.make_position_params()
  params.position.character = 6
  local items = ask("textDocument/completion", params).items
  local labels = vim.tbl_map(function(item) return item.label end, items)
  holds("the proposal", vim.tbl_contains(labels, "contact"), labels)
  vim.fn.deletebufline("%", line + 1)

  -- A new name goes everywhere.
  line = vim.fn.search("node a ")
  place(line, "a ")
  vim.lsp.buf.rename("ward")
  wait("the new name", function() return vim.fn.search("flow north.ward") > 0 end)
  finish("ok")
end

local fine, problem = pcall(run)
if not fine then
  pcall(finish, "FAIL " .. tostring(problem))
end
