-- Neovim (0.7 or newer): one `epic lsp` for all policies of a session.
local M = {}
local client

-- Where a project begins; the directory of the file if nothing says so.
local function root(path)
  local dir = vim.fn.fnamemodify(path, ":p:h")
  for _, mark in ipairs({ "epic.conf", ".git" }) do
    local found = vim.fn.findfile(mark, dir .. ";")
    if found == "" then
      found = vim.fn.finddir(mark, dir .. ";")
    end
    if found ~= "" then
      return vim.fn.fnamemodify(found, ":p:h" .. (mark == ".git" and ":h" or ""))
    end
  end
  return dir
end

function M.start()
  local buffer = vim.api.nvim_get_current_buf()
  local command = vim.g.epi_command or { "epic", "lsp" }

  if vim.fn.executable(command[1]) == 0 then
    return
  end
  if not client or vim.lsp.client_is_stopped(client) then
    local folder = root(vim.api.nvim_buf_get_name(buffer))

    client = vim.lsp.start_client({
      name = "epic",
      cmd = command,
      root_dir = folder,
      workspace_folders = { { uri = vim.uri_from_fname(folder), name = folder } },
    })
  end
  if client then
    vim.lsp.buf_attach_client(buffer, client)
    vim.bo[buffer].omnifunc = "v:lua.vim.lsp.omnifunc"
  end
end

return M
