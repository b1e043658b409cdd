-- One page of the open sessions of a room, and the reply about those of them that the script moved.
-- Needs session.lua.

-- Loads the sessions after the member `after` (empty at first), at most `limit`. Answers their ids,
-- and where the next page begins: empty when there is none.
local function loadPage(room, after, limit)
  local from = after == '' and '[' .. room .. '|' or '(' .. after
  local page = redis.call('ZRANGEBYLEX', K.room, from, '[' .. room .. '|~', 'LIMIT', 0, limit)
  local ids = {}
  for i = 1, #page do
    ids[i] = string.match(page[i], '|([^|]+)$')
  end
  loadSessions(ids)
  return ids, #page == limit and page[#page] or ''
end

-- { next page, then per session: session, reason or -, wallet, owned, held, version }
local function pageReply(nextPage, ids)
  local reply = { nextPage }
  for i = 1, #ids do
    local s = sessions[ids[i]]
    local w = wallets[s[WALLET]]
    local row = {
      ids[i], s[REASON], s[WALLET], digits(total(w)), digits(w[HELD]), digits(w[VERSION]),
    }
    for at = 1, #row do
      reply[#reply + 1] = row[at]
    end
  end
  return reply
end
